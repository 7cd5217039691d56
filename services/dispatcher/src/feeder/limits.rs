//! Limits of a lane, from the settings of its provider and of the workspace, and from what the fleet has found.

use std::num::NonZeroU32;

use runmill_proto::{
    ProviderId,
    api::{RateLimit, Settings, SettingsOverride},
    lease::{Adaptive, LaneState, Scope},
};
use runmill_quota::fleet_concurrency;
use runmill_store::{ProviderRow, RunRow};

use super::{Feeder, trial, window::window};
use crate::executors;

pub struct Limits {
    /// Number of calls that all executors together may have in flight.
    concurrency: u32,
    /// Number of calls that all executors together may start in a second, if it is limited.
    calls_per_second: Option<f64>,
    workspace: Settings,
    provider: SettingsOverride,
}

impl Limits {
    pub async fn read(feeder: &Feeder, provider_id: ProviderId) -> anyhow::Result<Self> {
        let store = &feeder.runs.store;
        let provider = store.provider(provider_id).await?;
        let found =
            if provider.rate_limit.concurrency.is_none() { found(feeder, provider_id).await? } else { None };
        Ok(Self {
            concurrency: concurrency(feeder, &provider, found.as_ref()).await?,
            calls_per_second: calls_per_second(&provider.rate_limit, found.as_ref()),
            workspace: store.settings().await?.0,
            provider: provider.settings,
        })
    }

    /// Returns the number of jobs of the lane that may be in the queue or in flight, where `settled_per_second` are
    /// settled at present.
    pub fn window(&self, settled_per_second: f64) -> u64 {
        window(self.concurrency, self.calls_per_second, settled_per_second)
    }

    /// Returns the number of calls of the run's trial, or `None` if the run has an answer or no trial, or is not fed.
    pub fn trial(&self, run: &RunRow) -> Option<NonZeroU32> {
        trial::calls(run, &self.workspace, &self.provider)
    }
}

/// Returns the limits that the fleet has found for a provider that states no concurrency.
async fn found(feeder: &Feeder, provider_id: ProviderId) -> anyhow::Result<Option<Adaptive>> {
    let (_, mut fleet) = feeder.runs.store.fleet().await?;
    Ok(fleet.lanes.remove(&Scope::account(provider_id)).and_then(with_room_to_grow))
}

/// Returns the adaptive limits of a lane, with twice the concurrency while it grows: the fleet may double it before the
/// next reading.
fn with_room_to_grow(lane: LaneState) -> Option<Adaptive> {
    let adaptive = lane.adaptive?;
    let grows = match lane.changes.as_slice() {
        [.., before, last] => last.concurrency > before.concurrency,
        _ => true,
    };
    let factor = if grows { 2 } else { 1 };
    Some(Adaptive { concurrency: adaptive.concurrency.saturating_mul(factor), ..adaptive })
}

async fn concurrency(
    feeder: &Feeder,
    provider: &ProviderRow,
    found: Option<&Adaptive>,
) -> anyhow::Result<u32> {
    let known = provider.rate_limit.concurrency.or(found.map(|found| found.concurrency.max(1)));
    let executors = match known {
        Some(_) => 0,
        None => executors::alive(&*feeder.runs.store, &feeder.runs.clock).await?.len(),
    };
    Ok(fleet_concurrency(known, feeder.lane_concurrency, executors))
}

/// Returns the lowest rate of those that the provider states and the fleet has found.
pub fn calls_per_second(stated: &RateLimit, found: Option<&Adaptive>) -> Option<f64> {
    let rates = [
        stated.rps,
        stated.rpm.map(|rpm| f64::from(rpm) / 60.0),
        found.and_then(|found| found.calls_per_second),
    ];
    rates.into_iter().flatten().reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use runmill_proto::lease::LaneChange;

    use super::*;

    #[test]
    fn a_limit_that_the_fleet_still_raises_is_taken_twice() {
        for (history, want) in [(&[][..], 16), (&[8], 16), (&[4, 8], 16), (&[16, 8], 8), (&[8, 8], 8)] {
            let change = |concurrency: &u32| LaneChange {
                at: Timestamp::UNIX_EPOCH,
                concurrency: *concurrency,
                calls_per_second: None,
                reason: String::new(),
            };
            let lane = LaneState {
                adaptive: Some(Adaptive { concurrency: 8, ..Adaptive::default() }),
                changes: history.iter().map(change).collect(),
                ..LaneState::default()
            };
            assert_eq!(with_room_to_grow(lane).unwrap().concurrency, want, "{history:?}");
        }
        assert_eq!(with_room_to_grow(LaneState::default()), None);
    }

    #[test]
    fn the_lowest_rate_holds() {
        let stated = |rps, rpm| RateLimit { rps, rpm, ..RateLimit::default() };
        let found = Adaptive { concurrency: 8, calls_per_second: Some(4.0), ..Adaptive::default() };
        for (rps, rpm, found, want) in [
            (None, None, None, None),
            (Some(3.0), Some(60), None, Some(1.0)),
            (Some(3.0), None, Some(&found), Some(3.0)),
            (None, Some(600), Some(&found), Some(4.0)),
        ] {
            assert_eq!(calls_per_second(&stated(rps, rpm), found), want, "{rps:?} {rpm:?}");
        }
    }
}
