use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ProviderId;

/// An executor that answered lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Executor))]
pub struct ExecutorStatus {
    /// Host and process id.
    pub name: String,
    pub version: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub seen_at: Timestamp,
    pub draining: bool,
    pub lanes: Vec<ExecutorLane>,
}

impl ExecutorStatus {
    /// Period of the heartbeat.
    pub const REPORTS_EVERY: Duration = Duration::from_secs(2);

    /// Age of the last heartbeat up to which an executor counts as alive: it may miss some.
    pub const ALIVE_FOR: Duration = Duration::from_secs(10);
}

const _: () = assert!(2 * ExecutorStatus::REPORTS_EVERY.as_millis() < ExecutorStatus::ALIVE_FOR.as_millis());

/// What an executor may use of a lane, and uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutorLane {
    pub provider_id: ProviderId,
    pub concurrency: u32,
    pub in_flight: u32,
    #[serde(default)]
    pub keys: Vec<ExecutorKey>,
}

/// One of a provider's keys, as an executor knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutorKey {
    pub label: String,
    pub in_flight: u32,
    /// Why it is not used now; null: it is.
    pub set_aside: Option<String>,
}
