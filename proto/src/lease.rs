//! Shares of providers' limits, as executors write them into the store with each heartbeat.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ProviderId, text_enum::text_enum};

/// A set of limits: those of a provider's account, or the narrower ones of one model there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scope {
    pub provider_id: ProviderId,
    /// Name of the model at the provider; `None` for the account.
    pub model: Option<String>,
}

text_enum! {
    /// Something of which a provider allows only so much. Each is granted in whole slots.
    Resource {
        /// Calls in flight. A slot is one call.
        Concurrency = "concurrency",
        /// Calls per minute. A slot is an equal part of the rate, with a burst of one call.
        CallsPerMinute = "rpm",
        /// Calls per second. A slot is an equal part of the rate, with a burst of one call.
        CallsPerSecond = "rps",
        /// Tokens per minute. A slot is an equal part of the rate.
        TokensPerMinute = "tpm",
    }
}

text_enum! {
    /// Treatment of the limits by an executor that cannot reach the store past its lease.
    WithoutStore {
        /// No call starts.
        Stop = "stop",
        /// The limits are divided equally among the executors that were known last.
        Share = "share",
    }
}

/// Slots of one resource, at one executor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Number of slots that the executor may use until its lease ends.
    pub granted: u32,
    /// Upper bound of the slots in use. It is above `granted` while the share shrinks. Zero for rates.
    pub used: u32,
    /// Number of slots that the executor could use now.
    pub wants: u32,
}

/// Share of one executor in one set of limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Share {
    /// Only resources that are limited.
    pub resources: BTreeMap<Resource, Holding>,
    /// Longest time in seconds that a call can be open which starts at the end of the lease.
    pub open_seconds: u32,
    /// Number of calls that wait to be admitted.
    pub waiting: u32,
    pub signals: Signals,
}

/// Shares of one executor.
pub type Leases = BTreeMap<Scope, Share>;

/// Counts of one executor since its start, from which the fleet's adaptive limits are decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AttemptCounts))]
#[serde(default)]
pub struct Signals {
    /// Attempts that were sent.
    pub started: u64,
    /// Attempts with an answer.
    pub answered: u64,
    /// Attempts that the provider refused for a rate limit.
    pub refused: u64,
    /// Attempts that failed with a server's error.
    pub failed: u64,
    /// Attempts without a first token in time.
    pub late: u64,
    /// Number of times that an attempt had to wait because all slots were in use.
    pub saturated: u64,
}

/// State of a set of limits that the whole fleet shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaneState {
    /// Limits that the fleet found by itself; `None` where the provider states its limits.
    pub adaptive: Option<Adaptive>,
    pub cooldown: Option<Cooldown>,
    /// Newest changes of the adaptive limits, the oldest first.
    pub changes: Vec<LaneChange>,
}

/// Limits that the fleet found by itself, and what its next step needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adaptive {
    /// Number of calls in flight.
    pub concurrency: u32,
    /// Calls per second, where the provider refused calls at a rate.
    pub calls_per_second: Option<f64>,
    pub concurrency_search: Search,
    pub rate_search: Search,
    /// Counts at the newest decision.
    pub mark: Mark,
    /// Counts at an older decision, from which a mean rate is computed.
    pub base: Mark,
    /// Time until which refusals are those of calls that began before the newest decision, and change nothing.
    pub quiet_until: Option<Timestamp>,
    /// Number of pauses of the whole fleet since the last answer.
    pub pauses: u32,
    /// Answers per second when a higher concurrency was refused, until answers get much slower.
    pub refused_at: Option<f64>,
    /// Throughput with which that of a higher concurrency is compared.
    pub reference: Option<Throughput>,
    pub accidents: Accidents,
}

/// Refusals that do not depend on the load, as of a server that refuses single calls at random.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accidents {
    /// Part of the calls that is refused by accident, `0.0..=0.1`.
    pub share: f64,
    /// Counts since which the share is measured.
    pub since: Mark,
    pub suspicion: Option<Suspicion>,
    pub test: Option<Test>,
    /// Time before which there is no further test, and its distance, which grows.
    pub next_test: Option<Timestamp>,
    pub wait_seconds: u32,
}

/// First of several cuts in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suspicion {
    /// Limits before it.
    pub concurrency: u32,
    pub calls_per_second: Option<f64>,
    /// Counts at the newest of the cuts.
    pub newest: Mark,
    /// Number of the cuts that followed no raise.
    pub settled: u32,
}

/// Test with lower limits: if calls are refused as before, the load is not the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Test {
    /// Limits before it.
    pub concurrency: u32,
    pub calls_per_second: Option<f64>,
    /// Number of calls after which it ends.
    pub calls: u64,
}

/// Search for the highest value of one limit that the provider accepts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Search {
    /// Value before the newest raise, to which a refusal returns.
    pub good: f64,
    /// Lowest value that was refused.
    pub bad: Option<f64>,
    /// Size of the next raise while no value is known to be refused.
    pub stride: f64,
    /// True if the present value was not yet used for long enough to be good.
    pub on_trial: bool,
    /// Seconds between two trials of a value that was refused.
    pub wait_seconds: u32,
    /// Number of trials that passed since the last refusal.
    pub passed: u32,
}

/// Counts of the fleet at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    pub at: Timestamp,
    /// Sums over the executors.
    pub sums: Signals,
    /// Hash of the set of executors; sums over different sets cannot be compared.
    pub fleet: u64,
}

/// Answers per second with a number of calls in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Throughput {
    pub concurrency: u32,
    pub answers_per_second: f64,
}

/// Time before which no executor calls, by the store's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cooldown {
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub until: Timestamp,
    pub reason: String,
}

/// One change of adaptive limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaneChange {
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    pub concurrency: u32,
    pub calls_per_second: Option<f64>,
    pub reason: String,
}

impl Scope {
    pub const fn account(provider_id: ProviderId) -> Self {
        Self { provider_id, model: None }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            None => write!(f, "{}", self.provider_id),
            Some(model) => write!(f, "{}/{model}", self.provider_id),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl TryFrom<String> for Scope {
    type Error = <ProviderId as FromStr>::Err;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (id, model) = text.split_once('/').map_or((&*text, None), |(id, model)| (id, Some(model)));
        Ok(Self { provider_id: id.parse()?, model: model.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn leases_are_written_under_the_names_of_their_limits() {
        let account = Scope::account(ProviderId::from_uuid(Uuid::nil()));
        let model = Scope { model: Some("meta/llama-3".into()), ..account.clone() };
        let holding = Holding { granted: 3, used: 1, wants: 9 };
        let share = Share { resources: [(Resource::Concurrency, holding)].into(), ..Share::default() };
        let leases = Leases::from([(account, share.clone()), (model, share)]);

        let json = serde_json::to_string(&leases).unwrap();

        assert!(json.contains("/meta/llama-3\":{\"resources\":{\"concurrency\":{\"granted\":3"), "{json}");
        assert_eq!(serde_json::from_str::<Leases>(&json).unwrap(), leases);
    }
}
