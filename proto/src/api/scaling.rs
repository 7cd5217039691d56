use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ProviderId, text_enum::text_enum};

/// Number of executors that the fleet can use, and the numbers from which it follows.
///
/// Every dispatcher tells the same `executors_wanted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scaling {
    /// Number of executors that should run: the largest `executors_needed` of the last `RUNMILL_SCALE_DOWN_SECONDS`. 0 if
    /// nothing waits and nothing is in flight.
    pub executors_wanted: u32,
    /// Number of executors that the work of this moment needs.
    pub executors_needed: u32,
    /// Number of living executors that take work.
    pub executors: u32,
    /// Number of living executors that finish their work and take none.
    pub draining: u32,
    /// Number of calls in flight that one executor is given, from `RUNMILL_EXECUTOR_CALLS`.
    pub executor_calls: u32,
    /// Sum of the lanes' `wanted_in_flight`.
    pub wanted_in_flight: u64,
    /// Number of requests, such as smoke tests, that wait for an executor or for its answer, at this dispatcher.
    pub requests: u32,
    /// Providers with work, in the order of their names. Those of other tenants are left out.
    pub lanes: Vec<ScalingLane>,
}

/// Work of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScalingLane {
    pub provider_id: ProviderId,
    /// Name of the provider.
    pub provider: String,
    /// Number of calls that could be in flight now, if there were executors for all: what waits and what is in flight,
    /// within `limit_in_flight`.
    pub wanted_in_flight: u64,
    /// Number of jobs and clients' calls that wait: those of active runs, within the concurrency and the trial of each, and
    /// deferred ones that are due within a minute.
    pub waiting: u64,
    /// Number of calls in flight, at the executors' last heartbeats.
    pub in_flight: u64,
    /// Number of calls that the provider's limits allow in flight at once.
    pub limit_in_flight: u64,
    pub limited_by: LaneBound,
    /// Number of executors that this provider's work needs by itself.
    pub executors_needed: u32,
    /// Time before which no executor calls the provider. Null if there is no cooldown.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub cooldown_until: Option<Timestamp>,
}

text_enum! {
    /// Origin of a lane's `limit_in_flight`.
    LaneBound {
        /// The provider's `rate_limit.concurrency`.
        Concurrency = "concurrency",
        /// The provider's rate, times the time that its calls take.
        Rate = "rate",
        /// The limit that the executors found by themselves.
        Found = "found",
        /// `RUNMILL_LANE_CONCURRENCY` of each executor, since no limit is known, or none was met yet.
        Executors = "executors",
    }
}
