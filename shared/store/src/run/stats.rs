use std::collections::{BTreeMap, BTreeSet};

use runmill_proto::{
    ErrorKind, Fix, Note, Outcome, Remarks, Score, Usage,
    message::{Attempt, Call, Invocation},
};
use runmill_scoring::{Cluster, Latencies, ScoreTally};
use serde::{Deserialize, Serialize};

use super::{Messages, SeriesPoint};
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
    /// Number of HTTP requests that reached the provider, including failed ones and duplicates.
    pub calls: u64,
    pub retries: u64,
    /// Number of invocations of jobs that already had a result.
    pub duplicates: u64,
    pub usage: Usage,
    pub cost_nanousd: Option<i64>,
    pub latencies: Latencies,
    /// Distinct errors of the failed jobs.
    #[serde(skip_serializing_if = "Messages::is_empty")]
    pub messages: Messages,
    /// Number of HTTP requests that did not reach the provider.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreached: u64,
    /// Number of calls whose tokens the provider did not tell, wholly or in part.
    #[serde(skip_serializing_if = "is_zero")]
    pub untold_usage: u64,
    /// Number of calls whose cost is unknown, wholly or in part.
    #[serde(skip_serializing_if = "is_zero")]
    pub unpriced: u64,
    /// Number of jobs that took over an answer of an earlier run.
    #[serde(skip_serializing_if = "is_zero")]
    pub reused: u64,
    /// Number of calls whose request was changed, by change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fixes: BTreeMap<Fix, u64>,
    /// Number of calls whose answer has a shortcoming, by shortcoming.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<Note, u64>,
    /// Other models that answers named: the first five.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answered_by: Vec<String>,
    /// Number of unscored answers by reason: the first ten reasons.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unscored: BTreeMap<String, u64>,
    /// The interval of the newest log. Earlier ones are in the table `run_series`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Box<SeriesPoint>>,
}

const ANSWERED_BY_MAX: usize = 5;
const UNSCORED_MAX: usize = 10;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

stored_as_json! { RunStats }

/// Counts why an answer is unscored.
pub(super) fn count_reason(reasons: &mut BTreeMap<String, u64>, score: &Score) {
    let reason = score.detail.as_deref().unwrap_or("unscored");
    if let Some(jobs) = reasons.get_mut(reason) {
        *jobs += 1;
    } else if reasons.len() < UNSCORED_MAX {
        reasons.insert(reason.to_owned(), 1);
    }
}

impl RunStats {
    /// Counts the result of a job.
    ///
    /// * `cluster`: the answers to the job's item so far, if items have several samples.
    pub fn settle(&mut self, invocation: &Invocation, cluster: Option<&mut Cluster>) {
        *self.outcomes.entry(invocation.outcome).or_default() += 1;
        self.reused += u64::from(invocation.reused_from.is_some());
        if invocation.outcome == Outcome::Failed
            && let Some(kind) = invocation.error_kind
        {
            *self.errors.entry(kind).or_default() += 1;
            self.messages.add(kind, invocation.error.as_deref().unwrap_or(kind.as_str()));
        }
        if let Some(score) = &invocation.score
            && invocation.outcome.is_answer()
        {
            self.scores.add(score.value, cluster);
            if score.value.is_none() {
                count_reason(&mut self.unscored, score);
            }
        }
        self.time(&invocation.call);
    }

    /// Counts the requests of a call with any result.
    pub fn charge(&mut self, call: &Call) {
        self.calls += call.requests();
        self.retries += call.retries();
        self.unreached += call.attempts.len() as u64 - call.requests();
        let is_told = !call.remarks.notes.contains(&Note::UsageNotTold);
        self.untold_usage += u64::from(!is_told || has_charged(call, |attempt| attempt.usage.is_none()));
        self.unpriced += u64::from(Self::is_unpriced(call));
        self.add_remarks(&call.remarks);
        if let Some(usage) = call.usage {
            self.usage += usage;
        }
        if let Some(cost) = call.cost_nanousd {
            let sum = self.cost_nanousd.get_or_insert(0);
            *sum = sum.saturating_add(cost);
        }
    }

    /// Returns true if a call had an answer, as far as the sums show it: a client's call has no result.
    pub fn has_answers(&self) -> bool {
        self.outcome(Outcome::Succeeded) > 0
            || self.usage.completion_tokens > 0
            || self.notes.contains_key(&Note::UsageNotTold)
    }

    /// Returns true if the cost of the call is unknown, wholly or in part.
    pub fn is_unpriced(call: &Call) -> bool {
        has_charged(call, |attempt| attempt.cost_nanousd.is_none())
    }

    /// Counts the time that a call took, if a request of it reached the provider.
    pub fn time(&mut self, call: &Call) {
        if call.requests() > 0 {
            self.latencies.record(call.latency_ms);
        }
    }

    fn add_remarks(&mut self, remarks: &Remarks) {
        for fix in &remarks.fixes {
            *self.fixes.entry(*fix).or_default() += 1;
        }
        for note in &remarks.notes {
            *self.notes.entry(*note).or_default() += 1;
        }
        if let Some(model) = &remarks.answered_by
            && self.answered_by.len() < ANSWERED_BY_MAX
            && !self.answered_by.contains(model)
        {
            self.answered_by.push(model.clone());
        }
    }

    /// Removes the jobs that failed with one of `kinds`, or all failed jobs if it is empty, from the counters, because
    /// their results were deleted for a retry.
    pub fn forget_failures(&mut self, kinds: &BTreeSet<ErrorKind>) {
        let left = self.outcome(Outcome::Failed).saturating_sub(self.failed_with(kinds));
        self.outcomes.remove(&Outcome::Failed);
        if left > 0 {
            self.outcomes.insert(Outcome::Failed, left);
        }
        let stays = |kind: ErrorKind| !kinds.is_empty() && !kinds.contains(&kind);
        self.errors.retain(|kind, _| stays(*kind));
        self.messages.retain(stays);
    }

    /// Removes all jobs from the counters, because their results were deleted. What their calls have used stays.
    pub fn forget_results(&mut self) {
        self.outcomes.clear();
        self.errors.clear();
        self.unscored.clear();
        self.reused = 0;
        (self.scores, self.messages) = (ScoreTally::default(), Messages::default());
    }

    /// Returns the number of jobs that failed with one of `kinds`, or of all failed jobs if it is empty.
    pub fn failed_with(&self, kinds: &BTreeSet<ErrorKind>) -> u64 {
        if kinds.is_empty() {
            return self.outcome(Outcome::Failed);
        }
        kinds.iter().filter_map(|kind| self.errors.get(kind)).sum()
    }

    /// Returns the number of jobs with an answer.
    pub fn answers(&self) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| outcome.is_answer()).map(|(_, jobs)| jobs).sum()
    }

    /// Returns the number of jobs with a result.
    pub fn settled(&self) -> u64 {
        self.outcomes.values().sum()
    }

    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }
}

/// Returns true if an attempt that may have been charged lacks something.
fn has_charged(call: &Call, lacks: impl Fn(&Attempt) -> bool) -> bool {
    call.attempts.iter().any(|attempt| attempt.may_be_charged() && lacks(attempt))
}

#[cfg(test)]
mod tests {
    use runmill_proto::{InvocationId, Unscored, testing};
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
            score: Some(Score { scorer: "exact".into(), version: 1, value, extracted: None, detail: None }),
            ..testing::invocation(testing::key(0), call(1), outcome)
        }
    }

    fn settled(values: &[Option<f64>]) -> RunStats {
        let mut stats = RunStats::default();
        for value in values {
            stats.settle(&ended(Outcome::Succeeded, *value), None);
        }
        stats
    }

    #[test]
    fn only_an_answer_is_scored() {
        let mut stats = RunStats::default();
        for outcome in Outcome::ALL {
            stats.settle(&ended(*outcome, Some(1.0)), None);
        }

        assert_eq!(stats.scores.count(), 3, "succeeded, refused and truncated");
        assert_eq!(stats.settled(), Outcome::ALL.len() as u64);
        assert_eq!(stats.answers(), 3);
        assert_eq!(stats.errors, BTreeMap::from([(ErrorKind::Overloaded, 1)]));
    }

    #[test]
    fn forgotten_failures_leave_the_rest() {
        let mut stats = settled(&[Some(1.0), Some(0.0)]);
        stats.settle(&ended(Outcome::Failed, None), None);

        stats.forget_failures(&BTreeSet::new());

        assert_eq!((stats.settled(), stats.outcome(Outcome::Failed)), (2, 0));
        assert!(stats.errors.is_empty() && stats.messages.is_empty());
        assert_eq!(stats.scores.summary(2, Unscored::Skip).mean, Some(0.5));
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

    fn attempt(error_kind: Option<ErrorKind>, status: Option<u16>) -> Attempt {
        Attempt { error_kind, status, ..testing::attempt() }
    }

    #[test]
    fn a_request_that_did_not_reach_the_provider_is_no_call() {
        let unsent = Attempt { unsent: true, ..attempt(Some(ErrorKind::Connection), None) };
        let told = Attempt { usage: Some(Usage::default()), cost_nanousd: Some(1), ..testing::attempt() };
        let reached = Call { attempts: vec![unsent.clone(), unsent.clone(), told], ..call(0) };
        let unreached = Call { attempts: vec![unsent], usage: None, ..call(0) };
        let mut stats = RunStats::default();
        for call in [reached, unreached] {
            stats.charge(&call);
            stats.settle(&testing::invocation(testing::key(0), call, Outcome::Failed), None);
        }

        assert_eq!((stats.calls, stats.retries, stats.unreached), (1, 0, 3));
        assert_eq!((stats.untold_usage, stats.unpriced), (0, 0));
        assert_eq!(stats.latencies.percentile_ms(1.0), Some(5));
        assert_eq!(serde_json::to_value(&stats.latencies).unwrap().as_array().unwrap().len(), 1);
    }

    #[test]
    fn what_may_have_been_charged_and_was_not_told_is_unknown() {
        let told = Attempt { usage: Some(Usage::default()), ..testing::attempt() };
        let table = [
            // attempt, usage untold, cost unknown
            (attempt(None, Some(200)), 1, 1),
            (attempt(Some(ErrorKind::TruncatedStream), Some(200)), 1, 1),
            (attempt(Some(ErrorKind::FirstTokenTimeout), None), 1, 1),
            (attempt(Some(ErrorKind::Interrupted), None), 1, 1),
            (attempt(Some(ErrorKind::ServerError), Some(500)), 0, 0),
            (attempt(Some(ErrorKind::RateLimited), Some(429)), 0, 0),
            (attempt(Some(ErrorKind::ConnectTimeout), None), 0, 0),
            (told.clone(), 0, 1),
            (Attempt { cost_nanousd: Some(0), ..told }, 0, 0),
        ];
        for (attempt, untold, unpriced) in table {
            let mut stats = RunStats::default();
            stats.charge(&Call { attempts: vec![attempt.clone()], ..call(0) });
            assert_eq!((stats.untold_usage, stats.unpriced), (untold, unpriced), "{attempt:?}");
        }
    }

    #[test]
    fn remarks_and_reasons_of_unscored_answers_are_counted_within_bounds() {
        let mut stats = RunStats::default();
        for n in 0..12 {
            let remarks = Remarks {
                fixes: vec![Fix::NoSeed],
                notes: vec![Note::UsageNotTold],
                answered_by: Some(format!("model {}", n / 2)),
            };
            let call = Call { remarks, ..call(1) };
            stats.charge(&call);
            let score = Score {
                scorer: "exact".into(),
                version: 1,
                value: None,
                extracted: None,
                detail: Some(n.to_string()),
            };
            for _ in 0..2 {
                let ended = testing::invocation(testing::key(0), call.clone(), Outcome::Succeeded);
                stats.settle(&Invocation { score: Some(score.clone()), ..ended }, None);
            }
        }

        assert_eq!(stats.fixes, BTreeMap::from([(Fix::NoSeed, 12)]));
        assert_eq!((stats.notes[&Note::UsageNotTold], stats.untold_usage), (12, 12));
        assert_eq!(stats.answered_by, (0..5).map(|n| format!("model {n}")).collect::<Vec<_>>());
        assert_eq!((stats.unscored.len(), stats.unscored["3"], stats.scores.count()), (10, 2, 0));
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
        assert_eq!(stats.scores.summary(4, Unscored::Skip).mean, Some(0.75));
        assert_eq!(stats.latencies.percentile_ms(1.0), Some(250));
        let written = serde_json::to_string(&stats).unwrap();
        assert_eq!(written, STORED);
    }

    #[test]
    fn fields_that_are_not_stored_have_their_defaults() {
        assert_eq!(serde_json::from_str::<RunStats>("{}").unwrap(), RunStats::default());
    }
}
