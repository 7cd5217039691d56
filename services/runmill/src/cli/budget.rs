use std::str::FromStr;

use runmill_proto::{OutOfRange, api::Budget};

/// Budget of one kind, as in `5usd`, `100000tokens` or `200calls`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BudgetArg {
    Calls(u64),
    Tokens(u64),
    CostUsd(f64),
}

/// Fault of a budget on the command line.
#[derive(Debug, thiserror::Error)]
pub enum BudgetFault {
    #[error("must be a number and its unit: usd, tokens or calls, as in 5usd")]
    Form,
    #[error("{0}")]
    Range(#[from] OutOfRange),
}

impl FromStr for BudgetArg {
    type Err = BudgetFault;

    fn from_str(text: &str) -> Result<Self, BudgetFault> {
        let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(BudgetFault::Form)?;
        let (number, unit) = (text[..at].trim(), text[at..].to_ascii_lowercase());
        match unit.as_str() {
            "usd" => Ok(Self::CostUsd(Budget::COST_USD.parse(number)?)),
            "token" | "tokens" => Ok(Self::Tokens(Budget::TOKENS.parse(number)?)),
            "call" | "calls" => Ok(Self::Calls(Budget::CALLS.parse(number)?)),
            _ => Err(BudgetFault::Form),
        }
    }
}

/// Joins the options to one budget. Of two of one kind, the smaller counts. Returns `None` if there is none.
pub fn joined(args: &[BudgetArg], max_calls: Option<u64>) -> Option<Budget> {
    let args: Vec<_> = args.iter().copied().chain(max_calls.map(BudgetArg::Calls)).collect();
    let mut budget = Budget::default();
    for arg in &args {
        match *arg {
            BudgetArg::Calls(calls) => budget.calls = Some(budget.calls.map_or(calls, |old| old.min(calls))),
            BudgetArg::Tokens(tokens) => {
                budget.tokens = Some(budget.tokens.map_or(tokens, |old| old.min(tokens)));
            }
            BudgetArg::CostUsd(cost) => {
                budget.cost_usd = Some(budget.cost_usd.map_or(cost, |old| old.min(cost)));
            }
        }
    }
    (!args.is_empty()).then_some(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_number_with_its_unit() {
        let table = [
            ("5usd", BudgetArg::CostUsd(5.0)),
            ("0.5 USD", BudgetArg::CostUsd(0.5)),
            ("100000tokens", BudgetArg::Tokens(100_000)),
            ("1call", BudgetArg::Calls(1)),
        ];
        for (text, want) in table {
            assert_eq!(text.parse::<BudgetArg>().unwrap(), want, "{text}");
        }
        for (text, want) in [
            ("5", "must be a number and its unit"),
            ("5eur", "must be a number and its unit"),
            ("usd", "must be a number from 0.000001 to 1000000000"),
            ("0calls", "must be a whole number from 1 to 1000000000000"),
            ("1.5tokens", "must be a whole number from 1 to 1000000000000000"),
        ] {
            let fault = text.parse::<BudgetArg>().unwrap_err().to_string();
            assert!(fault.starts_with(want), "{text}: {fault}");
        }
    }

    #[test]
    fn of_two_budgets_of_one_kind_the_smaller_counts() {
        let args = [BudgetArg::Calls(9), BudgetArg::Tokens(5), BudgetArg::Calls(12)];
        let want = Budget { calls: Some(9), tokens: Some(5), ..Budget::default() };
        assert_eq!(joined(&args, Some(11)), Some(want));
        assert_eq!(joined(&[], None), None);
    }
}
