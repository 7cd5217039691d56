use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ConfigFault, DatasetId, ErrorKind, Fix, Note, ProviderId, Range, RunConfig, RunId, RunKind, RunStatus,
    ScoreSummary, Tenant, Usage,
    api::{
        Budget, HeldBack, JudgeProgress, LightevalOutcome, NewWebhook, RateLimit, RunBudgetLeft,
        ScoreVersion, ScoringProgress, Webhook,
    },
    range::{nullable, nullable_number, number, optional_number},
};

/// Request to submit a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// Name of the run, of 1 to 200 characters. It need not be unique.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    pub provider_id: ProviderId,
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    pub model: String,
    /// Dataset whose items are the run's. A run of LightEval has none, since LightEval brings its own questions; any other
    /// run needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_id: Option<DatasetId>,
    #[serde(default)]
    pub config: RunConfig,
    /// Share of the provider's capacity that this run gets, relative to the priorities of the provider's other runs:
    /// from 1 to 100. Default: 1.
    #[serde(default, deserialize_with = "optional_number")]
    pub priority: Option<u32>,
    /// Largest use of the run. Default: no limit.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// Webhook that is told when the run ends: completes, fails or is canceled. A pause is no end. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<NewWebhook>,
}

impl NewRun {
    pub const PRIORITY: Range<u32> = Range::new(1, 100);
}

/// Changes of a run that has not ended. An absent field keeps its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RunPatch {
    /// Share of the provider's capacity that this run gets, relative to the priorities of the provider's other runs:
    /// from 1 to 100.
    #[serde(deserialize_with = "optional_number", skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Maximum number of jobs of this run in the queue and in flight, from 1 to 100000. Null removes the maximum.
    #[serde(deserialize_with = "nullable_number", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>))]
    pub concurrency: Option<Option<u32>>,
    /// Any JSON value, which replaces the budget of the run. Null removes the budget.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Value>))]
    pub budget: Option<Option<Value>>,
}

impl RunPatch {
    /// Returns one fault for each number that is out of its range.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let faults = [
            NewRun::PRIORITY.fault("/priority", self.priority),
            RateLimit::CONCURRENCY.fault("/concurrency", self.concurrency.flatten()),
        ];
        faults.into_iter().flatten().collect()
    }
}

/// More samples for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// Number of independent answers to each item that the run shall have in the end, from 1 to 1000. The same request
    /// sent again adds nothing.
    #[serde(deserialize_with = "number")]
    pub samples: u32,
}

/// A run with its progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    pub id: RunId,
    #[serde(default = "evaluation")]
    pub kind: RunKind,
    /// Tenant to which the run belongs.
    #[serde(default)]
    pub tenant: Tenant,
    pub name: Option<String>,
    pub provider_id: ProviderId,
    pub model: String,
    pub dataset_id: DatasetId,
    pub config: RunConfig,
    pub priority: u32,
    /// Budget of the run. A run of an earlier release may have any other JSON value here, which has no effect.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Budget>))]
    pub budget: Option<Value>,
    /// Rest of the budget; null without one.
    #[serde(default)]
    pub budget_left: Option<RunBudgetLeft>,
    pub status: RunStatus,
    /// True while the run is paused: no further calls start until it resumes. `pause_reason` and `resume_at` tell more.
    #[serde(default)]
    pub paused: bool,
    pub counters: RunCounters,
    /// Number of failed jobs by error kind.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// Error texts of failed jobs, the commonest first: at most 20.
    #[serde(default)]
    pub messages: Vec<RunMessage>,
    /// Number of answered calls by each change of the request's form.
    #[serde(default)]
    pub fixes: BTreeMap<Fix, u64>,
    /// Number of answered calls by each shortcoming of the answer.
    #[serde(default)]
    pub notes: BTreeMap<Note, u64>,
    /// Models that answers name, other than the one that was asked for: at most 5.
    #[serde(default)]
    pub answered_by: Vec<String>,
    /// Number of answers without a score by the reason: at most 10 reasons.
    #[serde(default)]
    pub unscored: BTreeMap<String, u64>,
    pub score: ScoreSummary,
    /// Version of the scores by which the run is shown. 0 is that of the executors.
    #[serde(default)]
    pub score_version: u32,
    /// Versions of the scores that were made anew, in their order.
    #[serde(default)]
    pub score_versions: Vec<ScoreVersion>,
    /// Version that is being made. Null if none is.
    #[serde(default)]
    pub rescoring: Option<ScoringProgress>,
    /// Judges of the answers, with their scores. The run ends when they have judged all answers.
    #[serde(default)]
    pub judges: Vec<JudgeProgress>,
    /// Result of LightEval. Null until it has ended, and for a run that it does not execute.
    #[serde(default)]
    pub lighteval: Option<LightevalOutcome>,
    pub usage: Usage,
    /// Cost of all calls whose price is known. Null if no price is known.
    pub cost_usd: Option<f64>,
    pub latency: RunLatency,
    /// Number of events so far: the `id` of the run's last event.
    pub seq: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub started_at: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub paused_at: Option<Timestamp>,
    pub pause_reason: Option<String>,
    /// Time at which the run resumes by itself, if it has an answer and its provider refused further calls; null otherwise.
    /// A user can resume it earlier.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub resume_at: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub cancel_requested_at: Option<Timestamp>,
    /// True if the calls in flight of the canceled run finish, and false if they are dropped.
    #[serde(default)]
    pub cancel_graceful: bool,
    pub retry_count: u32,
    pub retry_reason: Option<String>,
    /// Time at which the earliest of the jobs that were deferred last is tried again; null if none waits.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub retry_after: Option<Timestamp>,
    /// Faults of the installation that hold up the run at the moment. Empty while it makes progress. Only a request for
    /// a single run fills it.
    #[serde(default)]
    pub held_back: Vec<HeldBack>,
    /// Webhook of the run; null without one. Only a request for a single run fills it.
    #[serde(default)]
    pub webhook: Option<Webhook>,
    pub resumed_count: u32,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_resumed_at: Option<Timestamp>,
}

/// Returns the kind of the runs of releases that knew no other.
const fn evaluation() -> RunKind {
    RunKind::Evaluation
}

/// Error text that failed jobs of a run have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunMessage {
    pub kind: ErrorKind,
    /// Text of the first of these jobs. The others differ from it in numbers at most.
    pub text: String,
    /// Number of jobs that failed with this text.
    pub jobs: u64,
}

/// Numbers of jobs and calls of a run. `settled` is the sum of the jobs of all outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunCounters {
    /// Number of all jobs: items times samples.
    pub total: u64,
    /// Number of jobs that were put into the provider's queue so far.
    pub fed: u64,
    /// Number of jobs with a result.
    pub settled: u64,
    /// Number of jobs that wait for the time at which they are tried again.
    pub deferred: u64,
    pub succeeded: u64,
    pub refused: u64,
    pub truncated: u64,
    pub failed: u64,
    pub canceled: u64,
    pub budget_stopped: u64,
    /// Number of HTTP requests that reached the provider.
    pub calls: u64,
    /// Number of HTTP requests that repeated a failed one within an invocation.
    pub retries: u64,
    /// Number of invocations whose job already had a result.
    pub duplicates: u64,
    /// Number of attempts that never reached the provider. They are not among the calls.
    #[serde(default)]
    pub unreached: u64,
    /// Number of calls whose token usage is not known.
    #[serde(default)]
    pub untold_usage: u64,
    /// Number of calls whose cost is not known.
    #[serde(default)]
    pub unpriced: u64,
    /// Number of jobs that took over the answer of an earlier run, without a call.
    #[serde(default)]
    pub reused: u64,
}

/// Latency of invocations in milliseconds, waits and retries included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunLatency {
    pub p50_ms: Option<u64>,
    pub p99_ms: Option<u64>,
}
