use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ErrorKind, Latencies, Outcome, Usage,
    message::{Call, Invocation},
};

/// What a run has come to so far. Moved only by what was newly recorded, so it always equals the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStats {
    /// Jobs with a result, by how they ended.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Failed jobs, by why.
    pub errors: BTreeMap<ErrorKind, u64>,
    pub scored: u64,
    score_sum: f64,
    score_square_sum: f64,
    /// HTTP requests, failed ones and duplicates included.
    pub calls: u64,
    pub retries: u64,
    /// Invocations of jobs that already had a result.
    pub duplicates: u64,
    pub usage: Usage,
    pub cost_nanousd: Option<i64>,
    pub latencies: Latencies,
}

/// A run's score, always with what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreSummary {
    /// Mean over the scored jobs, `0.0..=1.0`; none are scored: `None`.
    pub mean: Option<f64>,
    /// Standard error of the mean: the sample's standard deviation over the root of `scored`.
    pub stderr: Option<f64>,
    pub scored: u64,
    pub total: u64,
    /// `scored / total`.
    pub coverage: f64,
}

impl RunStats {
    /// A job got its result.
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
            self.scored += 1;
            self.score_sum += value;
            self.score_square_sum += value * value;
        }
        if !invocation.call.attempts.is_empty() {
            self.latencies.record(invocation.call.latency_ms);
        }
    }

    /// Requests were made, whatever came of them.
    pub fn charge(&mut self, call: &Call) {
        self.calls += call.attempts.len() as u64;
        self.retries += call.retries();
        if let Some(usage) = call.usage {
            self.usage += usage;
        }
        if let Some(cost) = call.cost_nanousd {
            let sum = self.cost_nanousd.get_or_insert(0);
            *sum = sum.saturating_add(cost);
        }
    }

    /// Failed jobs are tried again: their results are gone.
    pub fn forget_failures(&mut self) {
        self.outcomes.remove(&Outcome::Failed);
        self.errors.clear();
    }

    /// Jobs with a result.
    pub fn settled(&self) -> u64 {
        self.outcomes.values().sum()
    }

    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// `total` is the run's jobs, answered or not.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn score(&self, total: u64) -> ScoreSummary {
        let n = self.scored as f64;
        let mean = (self.scored > 0).then(|| self.score_sum / n);
        let stderr = mean.filter(|_| self.scored > 1).map(|mean| {
            let variance = (self.score_square_sum - n * mean * mean) / (n - 1.0);
            (variance.max(0.0) / n).sqrt()
        });
        let coverage = if total == 0 { 0.0 } else { n / total as f64 };
        ScoreSummary { mean, stderr, scored: self.scored, total, coverage }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{InvocationId, Score, testing};

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

    fn near(got: Option<f64>, want: f64) -> bool {
        got.is_some_and(|got| (got - want).abs() < 1e-12)
    }

    #[test]
    fn a_score_is_the_mean_with_its_standard_error_and_its_coverage() {
        let score = settled(&[Some(1.0), Some(0.0), Some(1.0), Some(1.0), None]).score(10);

        // By hand: deviations 0.25, -0.75, 0.25, 0.25; their squares sum to 0.75; sqrt(0.75 / 3 / 4) = 0.25.
        assert!(near(score.mean, 0.75), "{score:?}");
        assert!(near(score.stderr, 0.25), "{score:?}");
        assert_eq!((score.scored, score.total), (4, 10));
        assert!(near(Some(score.coverage), 0.4), "{score:?}");
    }

    #[test]
    fn few_scores_claim_no_more_than_they_know() {
        let none = settled(&[None]).score(1);
        assert_eq!((none.mean, none.stderr, none.coverage), (None, None, 0.0));

        let one = settled(&[Some(1.0)]).score(1);
        assert_eq!((one.mean, one.stderr, one.coverage), (Some(1.0), None, 1.0));

        let empty = RunStats::default().score(0);
        assert_eq!((empty.mean, empty.coverage), (None, 0.0));
    }

    #[test]
    fn equal_scores_have_no_error_for_all_their_rounding() {
        let score = settled(&[Some(0.1); 1000]).score(1000);
        assert!(score.stderr.is_some_and(|stderr| stderr < 1e-8), "{score:?}");
    }

    #[test]
    fn only_an_answer_is_scored() {
        let mut stats = RunStats::default();
        for outcome in Outcome::ALL {
            stats.settle(&ended(*outcome, Some(1.0)));
        }

        assert_eq!(stats.scored, 3, "succeeded, refused and truncated");
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
        assert!(near(stats.score(2).mean, 0.5));
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
}
