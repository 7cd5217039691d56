use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ProviderId, RunId};

/// State of an executor, as its last heartbeat reported it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Executor))]
pub struct ExecutorStatus {
    /// Host name and process id.
    pub name: String,
    pub version: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub seen_at: Timestamp,
    /// True while the executor finishes its jobs before it stops. It takes no new ones.
    pub draining: bool,
    pub lanes: Vec<ExecutorLane>,
    /// Number of jobs in hand, by run. A job is in hand from its delivery until the broker has confirmed its log.
    #[serde(default)]
    pub runs: Vec<ExecutorRun>,
    /// True if the executor can run LightEval.
    #[serde(default)]
    pub lighteval: bool,
}

/// Jobs of one run that an executor has in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutorRun {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub run_id: RunId,
    pub jobs: u32,
}

impl ExecutorStatus {
    /// Interval between two heartbeats.
    pub const REPORTS_EVERY: Duration = Duration::from_secs(2);

    /// Age of the last heartbeat up to which an executor counts as alive. Longer than several intervals, so that a
    /// few missed heartbeats do not count.
    pub const ALIVE_FOR: Duration = Duration::from_secs(10);
}

const _: () = assert!(2 * ExecutorStatus::REPORTS_EVERY.as_millis() < ExecutorStatus::ALIVE_FOR.as_millis());

/// Share of a provider's concurrency that an executor has, and its use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutorLane {
    pub provider_id: ProviderId,
    /// Maximum number of calls that the executor may have in flight.
    pub concurrency: u32,
    /// Number of calls in flight now.
    pub in_flight: u32,
    #[serde(default)]
    pub keys: Vec<ExecutorKey>,
    /// Reason why the executor takes no jobs of this provider. `None` if it takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// State of one of a provider's API keys at an executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutorKey {
    pub label: String,
    pub in_flight: u32,
    /// Reason why the key is not used at the moment. Null if the key is in use.
    pub set_aside: Option<String>,
}
