use std::collections::BTreeMap;

use runmill_proto::{
    ErrorKind, Outcome, Usage,
    message::{Call, Invocation},
};
use runmill_scoring::{Latencies, ScoreTally};
use serde::{Deserialize, Serialize};

use crate::columns::stored_as_json;

/// Counters and sums over the jobs of a run. The column `stats` has them as JSON. Only rows that were newly recorded
/// change them, so they always equal the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStats {
    /// Number of jobs with a result for each outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Number of failed jobs for each kind of error.
    pub errors: BTreeMap<ErrorKind, u64>,
    #[serde(flatten)]
    pub scores: ScoreTally,
    /// Number of HTTP requests, including failed ones and duplicates.
    pub calls: u64,
    pub retries: u64,
    /// Number of invocations of jobs that already had a result.
    pub duplicates: u64,
    pub usage: Usage,
    pub cost_nanousd: Option<i64>,
    pub latencies: Latencies,
}

stored_as_json! { RunStats }

impl RunStats {
    /// Counts the result of a job.
    pub fn settle(&mut self, invocation: &Invocation) {
        *self.outcomes.entry(invocation.outcome).or_default() += 1;
        if invocation.outcome == Outcome::Failed
            && let Some(kind) = invocation.error_kind
        {
            *self.errors.entry(kind).or_default() += 1;
        }
        if let Some(value) = invocation.score.as_ref().and_then(|score| score.value)
            && invocation.outcome.is_answer()
        {
            self.scores.add(value);
        }
        if invocation.call.requests() > 0 {
            self.latencies.record(invocation.call.latency_ms);
        }
    }

    /// Counts the requests of a call with any result.
    pub fn charge(&mut self, call: &Call) {
        self.calls += call.requests();
        self.retries += call.retries();
        if let Some(usage) = call.usage {
            self.usage += usage;
        }
        if let Some(cost) = call.cost_nanousd {
            let sum = self.cost_nanousd.get_or_insert(0);
            *sum = sum.saturating_add(cost);
        }
    }

    /// Removes the failed jobs from the counters, because their results were deleted for a retry.
    pub fn forget_failures(&mut self) {
        self.outcomes.remove(&Outcome::Failed);
        self.errors.clear();
    }

    /// Returns the number of jobs with a result.
    pub fn settled(&self) -> u64 {
        self.outcomes.values().sum()
    }

    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{InvocationId, Score, testing};
    use uuid::Uuid;

    use super::*;

    fn call(attempts: usize) -> Call {
        Call {
            attempts: vec![testing::attempt(); attempts],
            usage: Some(Usage { prompt_tokens: 10, completion_tokens: 2, ..Usage::default() }),
            ..testing::call(InvocationId::from_uuid(Uuid::nil()))
        }
    }

    fn ended(outcome: Outcome, value: Option<f64>) -> Invocation {
        Invocation {
            error_kind: (outcome == Outcome::Failed).then_some(ErrorKind::Overloaded),
            score: Some(Score { scorer: "exact".into(), value, extracted: None, detail: None }),
            ..testing::invocation(testing::key(0), call(1), outcome)
        }
    }

    fn settled(values: &[Option<f64>]) -> RunStats {
        let mut stats = RunStats::default();
        for value in values {
            stats.settle(&ended(Outcome::Succeeded, *value));
        }
        stats
    }

    #[test]
    fn only_an_answer_is_scored() {
        let mut stats = RunStats::default();
        for outcome in Outcome::ALL {
            stats.settle(&ended(*outcome, Some(1.0)));
        }

        assert_eq!(stats.scores.count(), 3, "succeeded, refused and truncated");
        assert_eq!(stats.settled(), Outcome::ALL.len() as u64);
        assert_eq!(stats.errors, BTreeMap::from([(ErrorKind::Overloaded, 1)]));
    }

    #[test]
    fn forgotten_failures_leave_the_rest() {
        let mut stats = settled(&[Some(1.0), Some(0.0)]);
        stats.settle(&ended(Outcome::Failed, None));

        stats.forget_failures();

        assert_eq!((stats.settled(), stats.outcome(Outcome::Failed)), (2, 0));
        assert!(stats.errors.is_empty());
        assert_eq!(stats.scores.summary(2).mean, Some(0.5));
    }

    #[test]
    fn what_was_tried_is_charged_whatever_came_of_it() {
        let mut stats = RunStats::default();
        stats.charge(&Call { cost_nanousd: Some(3), ..call(3) });
        stats.charge(&Call { cost_nanousd: Some(4), ..call(1) });
        stats.charge(&Call { usage: None, ..call(0) });

        assert_eq!((stats.calls, stats.retries), (4, 2));
        assert_eq!(stats.usage.prompt_tokens, 20);
        assert_eq!(stats.cost_nanousd, Some(7));
    }

    #[test]
    fn a_cost_that_cannot_be_true_stops_at_the_most_there_is() {
        let mut stats = RunStats::default();
        for _ in 0..2 {
            stats.charge(&Call { cost_nanousd: Some(i64::MAX), ..call(1) });
        }

        assert_eq!(stats.cost_nanousd, Some(i64::MAX));
    }

    /// A row as an earlier version wrote it.
    const STORED: &str = concat!(
        r#"{"outcomes":{"succeeded":2,"failed":1},"errors":{"overloaded":1},"scored":2,"score_sum":1.5,"#,
        r#""score_square_sum":1.25,"calls":5,"retries":1,"duplicates":1,"usage":{"prompt_tokens":30,"#,
        r#""completion_tokens":6,"cached_tokens":0,"reasoning_tokens":0},"cost_nanousd":7,"#,
        r#""latencies":[[5,2],[250,1]]}"#,
    );

    #[test]
    fn the_stored_json_stays_the_same() {
        let stats: RunStats = serde_json::from_str(STORED).unwrap();

        assert_eq!((stats.settled(), stats.scores.count(), stats.calls), (3, 2, 5));
        assert_eq!(stats.scores.summary(4).mean, Some(0.75));
        assert_eq!(stats.latencies.percentile_ms(1.0), Some(250));
        let written = serde_json::to_string(&stats).unwrap();
        assert_eq!(written, STORED);
    }

    #[test]
    fn fields_that_are_not_stored_have_their_defaults() {
        assert_eq!(serde_json::from_str::<RunStats>("{}").unwrap(), RunStats::default());
    }
}
