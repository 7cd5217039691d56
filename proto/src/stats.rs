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
            *self.cost_nanousd.get_or_insert(0) += cost;
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
