//! Budgets of a run in words.

use runmill_proto::api::{Budget, Run};

/// Returns what is left of the run's budget, and its size, or `None` if it has no budget.
pub fn left(run: &Run) -> Option<String> {
    let (left, budget) = (run.budget_left?, Budget::stored(run.budget.as_ref()?)?);
    let parts = [
        left.calls.zip(budget.calls).map(|(left, limit)| format!("{left} of {limit} calls")),
        left.tokens.zip(budget.tokens).map(|(left, limit)| format!("{left} of {limit} tokens")),
        left.cost_usd.zip(budget.cost_usd).map(|(left, limit)| format!("${left:.4} of ${limit}")),
    ];
    joined(parts).map(|parts| format!("{parts} left"))
}

/// Returns the size of the budget.
pub fn words(budget: &Budget) -> String {
    let parts = [
        budget.calls.map(|limit| format!("{limit} calls")),
        budget.tokens.map(|limit| format!("{limit} tokens")),
        budget.cost_usd.map(|limit| format!("${limit}")),
    ];
    joined(parts).unwrap_or_else(|| "no limit".to_owned())
}

fn joined(parts: [Option<String>; 3]) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::RunBudgetLeft;
    use serde_json::json;

    use super::*;
    use crate::run::testing;

    #[test]
    fn what_is_left_names_each_kind_of_budget() {
        let budget = json!({"calls": 200, "cost_usd": 5.0});
        let budget_left = RunBudgetLeft { calls: Some(12), tokens: None, cost_usd: Some(0.25) };
        let run = Run { budget: Some(budget), budget_left: Some(budget_left), ..testing::run() };
        assert_eq!(left(&run).as_deref(), Some("12 of 200 calls, $0.2500 of $5 left"));
        assert_eq!(left(&testing::run()), None);
    }
}
