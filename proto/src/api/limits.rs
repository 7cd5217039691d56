use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ProviderId,
    lease::{Cooldown, LaneChange, Resource, Signals},
    text_enum::text_enum,
};

/// Limits of a provider, and how the executors use them at the moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProviderLimits {
    pub provider_id: ProviderId,
    /// Time of the store at which all of this was read.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub now: Timestamp,
    /// Limits of the account, for all models together.
    pub account: ScopeLimits,
    /// Narrower limits of single models, by their names at the provider.
    #[serde(default)]
    pub models: BTreeMap<String, ScopeLimits>,
    #[serde(default)]
    pub budgets: Vec<BudgetLeft>,
}

/// Limits of an account or of one model there, and their use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScopeLimits {
    /// The concurrency, and each rate that is limited.
    pub limits: Vec<LimitUse>,
    /// Number of calls that wait to be admitted, at all executors.
    pub waiting: u32,
    /// Time before which no executor calls, and the reason. Null if there is no cooldown.
    pub cooldown: Option<Cooldown>,
    /// Newest changes of the limits that the executors found by themselves, the oldest first: at most 50.
    pub changes: Vec<LaneChange>,
    /// Shares of the executors, by their names.
    pub executors: Vec<ExecutorShare>,
}

/// One limit of all executors together, and its use.
///
/// Its numbers are calls in flight (`concurrency`), calls per minute (`rpm`), calls per second (`rps`) or tokens per minute
/// (`tpm`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitUse {
    pub resource: Resource,
    /// Limit that the provider states. Null if it states none.
    pub stated: Option<f64>,
    /// Limit that the executors found by themselves. Null if the provider states the limit, or no executor has used it yet.
    pub adaptive: Option<f64>,
    /// Largest number of calls or tokens above the rate, in any length of time. Null for `concurrency`, which is never
    /// exceeded.
    pub burst: Option<f64>,
    /// Sum of the shares of the executors whose lease has not ended.
    pub granted: f64,
    /// Share that nobody gets yet, because calls above an executor's share, or those of an executor whose lease has ended,
    /// may still be open at the provider.
    pub withheld: f64,
    /// Sum of the shares that the executors could use now.
    pub wanted: f64,
    /// Number of calls in flight, at the executors' last heartbeats. Null for rates.
    pub in_flight: Option<u32>,
}

/// Share of one executor in the limits of an account or of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutorShare {
    /// Name of the executor.
    pub name: String,
    /// End of its lease, unless its next heartbeat renews it. Past it, the executor starts no call.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub lease_ends_at: Timestamp,
    /// Number of its calls that wait to be admitted.
    pub waiting: u32,
    pub shares: Vec<ResourceShare>,
    /// Counts of its attempts since it started.
    pub attempts: Signals,
}

/// Share of one executor in one limit, with the unit of the limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceShare {
    pub resource: Resource,
    pub granted: f64,
    /// Share that it could use now.
    pub wanted: f64,
    /// Number of its calls in flight, at its last heartbeat. Null for rates.
    pub in_flight: Option<u32>,
}

text_enum! {
    /// Unit of a budget.
    BudgetUnit {
        Calls = "calls",
        Tokens = "tokens",
        /// US dollars.
        Usd = "usd",
    }
}

/// Rest of a budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BudgetLeft {
    pub unit: BudgetUnit,
    pub limit: f64,
    /// Part that is not used yet. What executors have reserved counts as used.
    pub left: f64,
    /// Time at which the whole limit is there again.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub refills_at: Timestamp,
}

impl LimitUse {
    /// Returns the limit that holds: the stated one, or else the one that the executors found.
    pub fn limit(&self) -> Option<f64> {
        self.stated.or(self.adaptive)
    }
}

impl ScopeLimits {
    pub fn limit(&self, resource: Resource) -> Option<&LimitUse> {
        self.limits.iter().find(|limit| limit.resource == resource)
    }
}
