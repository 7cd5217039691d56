use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    DatasetId, ErrorKind, ProviderId, Range, RunConfig, RunId, RunStatus, ScoreSummary, Usage,
    range::optional_number,
};

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
    /// The run's share of its lane relative to others', from 1 to 100; default 1.
    #[serde(default, deserialize_with = "optional_number")]
    pub priority: Option<u32>,
    /// Kept with the run; enforced by the limits that build on it.
    #[serde(default)]
    pub budget: Option<Value>,
}

impl NewRun {
    pub const PRIORITY: Range<u32> = Range::new(1, 100);
}

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
    /// Failed jobs by why they failed.
    pub errors: BTreeMap<ErrorKind, u64>,
    pub score: ScoreSummary,
    pub usage: Usage,
    /// As far as prices are known.
    pub cost_usd: Option<f64>,
    pub latency: RunLatency,
    /// Grows with every recorded event of the run; the `id:` of its last event.
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
    /// When a run that was paused by its provider's refusal tries again by itself; it can be resumed before.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub resume_at: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub cancel_requested_at: Option<Timestamp>,
    pub retry_count: u32,
    pub retry_reason: Option<String>,
    pub resumed_count: u32,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_resumed_at: Option<Timestamp>,
}

/// Jobs of a run. `settled` is the sum of the outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunCounters {
    /// Items times samples.
    pub total: u64,
    /// Handed to the lane's queue so far.
    pub fed: u64,
    /// With a result.
    pub settled: u64,
    /// Waiting for their time to be fed again.
    pub deferred: u64,
    pub succeeded: u64,
    pub refused: u64,
    pub truncated: u64,
    pub failed: u64,
    pub canceled: u64,
    pub budget_stopped: u64,
    /// HTTP requests made.
    pub calls: u64,
    /// Requests after the first of their invocation.
    pub retries: u64,
    /// Invocations of jobs that already had a result.
    pub duplicates: u64,
}

/// Of invocations, in milliseconds, waits and retries included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunLatency {
    pub p50_ms: Option<u64>,
    pub p99_ms: Option<u64>,
}
