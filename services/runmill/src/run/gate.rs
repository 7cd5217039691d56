//! Bounds that a run must keep, so that a pipeline can stop at a worse model.

use runmill_proto::{
    RunId,
    api::{Comparison, ComparisonQuery, Run},
};

use super::named;
use crate::{
    cli::{GateArgs, MaxFailed},
    client::Client,
};

#[derive(Clone, Default)]
pub struct Gate {
    min_score: Option<f64>,
    max_failed: Option<MaxFailed>,
    /// Run than which this one may not be worse.
    other: Option<RunId>,
}

impl Gate {
    /// Finds the run that the gate names, before anything is paid.
    pub async fn new(client: &Client, args: &GateArgs) -> anyhow::Result<Self> {
        let other = match &args.no_worse_than {
            Some(name) => Some(client.run(named::find(client, name).await?).await?.id),
            None => None,
        };
        Ok(Self { min_score: args.min_score, max_failed: args.max_failed, other })
    }

    /// Returns true if the gate says how many items may fail.
    pub const fn allows_failures(&self) -> bool {
        self.max_failed.is_some()
    }

    /// Returns what the run misses, in words. It has completed.
    pub async fn missed(&self, client: &Client, run: &Run) -> anyhow::Result<Vec<String>> {
        let mut missed: Vec<_> =
            [self.score_missed(run), self.failures_missed(run)].into_iter().flatten().collect();
        if let Some(other) = self.other {
            let compared = client.comparison(&ComparisonQuery { a: other, b: run.id }).await?;
            missed.extend(worse(&compared));
        }
        Ok(missed)
    }

    fn score_missed(&self, run: &Run) -> Option<String> {
        let least = self.min_score?;
        match run.score.mean {
            Some(mean) if mean >= least => None,
            Some(mean) => Some(format!("the score {mean:.4} is below --min-score {least}")),
            None => Some(format!("there is no score, and --min-score is {least}")),
        }
    }

    fn failures_missed(&self, run: &Run) -> Option<String> {
        let (failed, total) = (run.counters.failed, run.counters.total);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let (is_missed, most) = match self.max_failed? {
            MaxFailed::Items(most) => (failed > most, most.to_string()),
            MaxFailed::Percent(most) => (failed as f64 * 100.0 > most * total as f64, format!("{most}%")),
        };
        is_missed.then(|| format!("{failed} of {total} items failed, and --max-failed is {most}"))
    }
}

/// Returns why the second run is worse, if it is: with all of the interval of the difference below zero.
fn worse(compared: &Comparison) -> Option<String> {
    let other = compared.a;
    let Some(difference) = compared.difference else {
        return Some(format!("--no-worse-than {other}: the runs have no scored item in common"));
    };
    // One item has no error, and alike items have none.
    let high = compared.high.unwrap_or(difference);
    (high < 0.0).then(|| {
        format!(
            "the score is worse than that of {other} by {:.4} (95 % interval {:.4} to {high:.4}): {} items are worse, {} better",
            -difference,
            compared.low.unwrap_or(difference),
            compared.worsened,
            compared.improved
        )
    })
}

#[cfg(test)]
mod tests {
    use runmill_proto::{ScoreSummary, api::RunCounters};
    use serde_json::json;

    use super::*;
    use crate::run::testing;

    fn run(mean: Option<f64>, failed: u64) -> Run {
        let counters = RunCounters { total: 200, failed, ..RunCounters::default() };
        let run = testing::run();
        Run { counters, score: ScoreSummary { mean, ..run.score }, ..run }
    }

    #[test]
    fn a_score_below_the_least_one_is_missed() {
        let gate = Gate { min_score: Some(0.5), ..Gate::default() };
        assert_eq!(gate.score_missed(&run(Some(0.5), 0)), None);
        assert!(gate.score_missed(&run(Some(0.4999), 0)).is_some());
        assert!(gate.score_missed(&run(None, 0)).unwrap().contains("there is no score"));
    }

    #[test]
    fn failures_are_counted_or_shared() {
        let missed = |most, failed| {
            Gate { max_failed: Some(most), ..Gate::default() }.failures_missed(&run(None, failed))
        };
        assert_eq!(missed(MaxFailed::Items(3), 3), None);
        assert!(missed(MaxFailed::Items(3), 4).is_some());
        assert_eq!(missed(MaxFailed::Percent(2.0), 4), None);
        assert!(missed(MaxFailed::Percent(2.0), 5).unwrap().ends_with("--max-failed is 2%"));
    }

    #[test]
    fn a_run_is_worse_if_the_whole_interval_is_below_zero() {
        let id = testing::run().id;
        let compared = |difference: Option<f64>, high: Option<f64>| -> Comparison {
            serde_json::from_value(json!({"a": id, "b": id, "warnings": [], "items": 9, "only_a": 0, "only_b": 0,
                "mean_a": 0.5, "mean_b": 0.4, "difference": difference, "stderr": 0.1, "low": -0.3, "high": high,
                "p_value": 0.1, "test": "mcnemar", "improved": 1, "worsened": 2, "changed": []}))
            .unwrap()
        };
        assert_eq!(worse(&compared(Some(-0.1), Some(0.01))), None);
        assert_eq!(worse(&compared(Some(0.1), None)), None);
        assert!(worse(&compared(Some(-0.1), Some(-0.01))).unwrap().contains("by 0.1000"));
        assert!(worse(&compared(Some(-0.1), None)).is_some());
        assert!(worse(&compared(None, None)).is_some());
    }
}
