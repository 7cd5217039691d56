use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    DatasetId, ErrorKind, Fix, Note, ProviderId, Range, RunConfig, RunId, RunStatus, ScoreSummary, Usage,
    range::optional_number,
};

/// Request to submit a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    #[serde(default)]
    pub name: Option<String>,
    pub provider_id: ProviderId,
    pub model: String,
    pub dataset_id: DatasetId,
    #[serde(default)]
    pub config: RunConfig,
    /// Share of the provider's capacity that this run gets, relative to the priorities of the provider's other runs:
    /// from 1 to 100. Default: 1.
    #[serde(default, deserialize_with = "optional_number")]
    pub priority: Option<u32>,
    /// Reserved: any JSON value, which is stored with the run and has no effect yet.
    #[serde(default)]
    pub budget: Option<Value>,
}

impl NewRun {
    pub const PRIORITY: Range<u32> = Range::new(1, 100);
}

/// A run with its progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    pub id: RunId,
    pub name: Option<String>,
    pub provider_id: ProviderId,
    pub model: String,
    pub dataset_id: DatasetId,
    pub config: RunConfig,
    pub priority: u32,
    pub budget: Option<Value>,
    pub status: RunStatus,
    pub counters: RunCounters,
    /// Number of failed jobs by error kind.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// What the failed jobs said, the most frequent first: at most 20 texts.
    #[serde(default)]
    pub messages: Vec<RunMessage>,
    /// Number of calls whose request was changed, by change.
    #[serde(default)]
    pub fixes: BTreeMap<Fix, u64>,
    /// Number of answers with a shortcoming, by shortcoming.
    #[serde(default)]
    pub notes: BTreeMap<Note, u64>,
    /// Other models that answers named: the first five.
    #[serde(default)]
    pub answered_by: Vec<String>,
    /// Number of unscored answers by reason: the first ten reasons.
    #[serde(default)]
    pub unscored: BTreeMap<String, u64>,
    pub score: ScoreSummary,
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
    pub retry_count: u32,
    pub retry_reason: Option<String>,
    /// Time at which the earliest of the jobs that were deferred last is tried again.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub retry_after: Option<Timestamp>,
    pub resumed_count: u32,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_resumed_at: Option<Timestamp>,
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
    /// Number of HTTP requests that did not reach the provider. They are no calls.
    #[serde(default)]
    pub unreached: u64,
    /// Number of calls whose tokens the provider did not tell, wholly or in part.
    #[serde(default)]
    pub untold_usage: u64,
    /// Number of calls whose cost is unknown, wholly or in part.
    #[serde(default)]
    pub unpriced: u64,
}

/// Error text of failed jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunMessage {
    pub kind: ErrorKind,
    /// Text of the first such job, cut to 300 characters. Texts that differ only in their numbers count as one.
    pub text: String,
    /// Number of jobs that failed with this text.
    pub jobs: u64,
}

/// Latency of invocations in milliseconds, waits and retries included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunLatency {
    pub p50_ms: Option<u64>,
    pub p99_ms: Option<u64>,
}
