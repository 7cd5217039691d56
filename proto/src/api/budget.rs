use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConfigFault, Range, range::optional_number, text_enum::text_enum, usd};

text_enum! {
    /// End of a run whose budget is used up.
    WhenUsedUp {
        /// The run is paused until its budget is raised or somebody resumes it.
        Pause = "pause",
        /// The remaining jobs end without a call, with the outcome `budget_stopped`.
        Stop = "stop",
    }
}

/// Largest use of a run, over all its calls, failed attempts and retries included. Null if not limited.
///
/// Calls in flight are reserved by an estimate, so a run uses at most its budget and what these calls use beyond their
/// estimates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Largest number of HTTP requests, from 1 to 1000000000000.
    #[serde(deserialize_with = "optional_number")]
    pub calls: Option<u64>,
    /// Largest number of tokens of prompts and answers, from 1 to 1000000000000000.
    #[serde(deserialize_with = "optional_number")]
    pub tokens: Option<u64>,
    /// Largest cost in US dollars, from 0.000001 to 1000000000. The cost of each call must be known: by the price table
    /// or by the provider's answer.
    #[serde(deserialize_with = "optional_number")]
    pub cost_usd: Option<f64>,
    /// Default: `pause`.
    pub when_used_up: WhenUsedUp,
}

/// Rest of a run's budget, by the calls that are recorded. Null if not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunBudgetLeft {
    pub calls: Option<u64>,
    pub tokens: Option<u64>,
    pub cost_usd: Option<f64>,
}

/// Use of budgets: by one call, by a run or in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetUse {
    pub calls: u64,
    pub tokens: u64,
    /// Cost in billionths of a US dollar.
    pub nanousd: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { calls: None, tokens: None, cost_usd: None, when_used_up: WhenUsedUp::Pause }
    }
}

impl Budget {
    pub const CALLS: Range<u64> = Range::new(1, 1_000_000_000_000);
    pub const TOKENS: Range<u64> = Range::new(1, 1_000_000_000_000_000);
    pub const COST_USD: Range<f64> = Range::new(0.000_001, 1_000_000_000.0);

    /// Returns one fault for each number that is out of its range.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let faults = [
            Self::CALLS.fault("/budget/calls", self.calls),
            Self::TOKENS.fault("/budget/tokens", self.tokens),
            Self::COST_USD.fault("/budget/cost_usd", self.cost_usd),
        ];
        faults.into_iter().flatten().collect()
    }

    /// Reads a stored budget. Earlier releases took any JSON as a budget and did not apply it, so a value that is no
    /// budget is `None`.
    pub fn stored(value: &Value) -> Option<Self> {
        // An array would be read as an object's values in their order.
        let budget: Self = value.is_object().then(|| Self::deserialize(value).ok())??;
        budget.faults().is_empty().then_some(budget)
    }

    /// Returns the limit of the cost in billionths of a US dollar.
    pub fn cost_nanousd(&self) -> Option<u64> {
        self.cost_usd.map(nanousd)
    }

    /// Returns what is left after `used`.
    pub fn left(&self, used: BudgetUse) -> RunBudgetLeft {
        let cost = self.cost_nanousd().map(|limit| limit.saturating_sub(used.nanousd));
        RunBudgetLeft {
            calls: self.calls.map(|limit| limit.saturating_sub(used.calls)),
            tokens: self.tokens.map(|limit| limit.saturating_sub(used.tokens)),
            cost_usd: cost.map(|left| usd(i64::try_from(left).unwrap_or(i64::MAX))),
        }
    }
}

/// Day for which a provider's budgets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetDay {
    pub date: Date,
    pub ends_at: Timestamp,
}

impl BudgetDay {
    /// Returns the day of `now` in a time zone.
    pub fn at(now: Timestamp, zone: &TimeZone) -> Self {
        let zoned = now.to_zoned(zone.clone());
        let end = zoned.tomorrow().and_then(|tomorrow| tomorrow.start_of_day());
        // Only the last day of the calendar has no end.
        let ends_at = end.map_or(Timestamp::MAX, |end| end.timestamp());
        Self { date: zoned.date(), ends_at }
    }
}

/// Converts US dollars to billionths of a US dollar.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; a cost is positive")]
pub fn nanousd(usd: f64) -> u64 {
    (usd * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_earlier_releases_stored_is_a_budget_only_if_it_reads_as_one() {
        let budget = Budget { calls: Some(7), ..Budget::default() };
        assert_eq!(Budget::stored(&json!({"calls": 7})), Some(budget));
        for other in [json!({"usd": 2.5}), json!({"calls": 0}), json!({"calls": "7"}), json!([1]), json!(5)] {
            assert_eq!(Budget::stored(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_left_is_never_negative_and_null_where_nothing_is_limited() {
        let budget = Budget { tokens: Some(10), cost_usd: Some(0.5), ..Budget::default() };
        let used = BudgetUse { calls: 3, tokens: 11, nanousd: 100_000_000 };
        assert_eq!(budget.left(used), RunBudgetLeft { calls: None, tokens: Some(0), cost_usd: Some(0.4) });
    }
}
