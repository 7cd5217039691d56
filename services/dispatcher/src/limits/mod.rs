//! Makes the answer to `GET /providers/{id}/limits` from the provider's row and the state of the fleet, without a clock.

mod budgets;
mod meter;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    api::{ExecutorShare, LimitUse, ModelLimit, ProviderLimits, RateLimit, ResourceShare, ScopeLimits},
    lease::{LaneState, Resource, Scope, Share},
};
use runmill_store::{FleetState, Holder};

pub use budgets::budgets;
use meter::Meter;
pub use watch::BudgetWatch;

/// Limits that a provider states for its account or for one model, in their own units.
type Stated = BTreeMap<Resource, f64>;

/// Returns the limits of a provider and their use at `now`, which is the store's time.
pub fn view(
    provider_id: ProviderId,
    rate_limit: &RateLimit,
    fleet: &FleetState,
    now: Timestamp,
) -> ProviderLimits {
    let account = Scope::account(provider_id);
    let stated = stated(&account, rate_limit);
    let used = fleet.lanes.keys().chain(fleet.holders.iter().flat_map(|holder| holder.leases.keys()));
    let models: BTreeSet<&Scope> =
        stated.keys().chain(used).filter(|scope| scope.provider_id == provider_id).collect();
    let none = Stated::new();
    let view_of = |scope: &Scope| scope_limits(scope, stated.get(scope).unwrap_or(&none), fleet, now);
    ProviderLimits {
        provider_id,
        now,
        account: view_of(&account),
        models: models.into_iter().filter_map(|it| Some((it.model.clone()?, view_of(it)))).collect(),
        budgets: Vec::new(),
    }
}

fn stated(account: &Scope, limits: &RateLimit) -> BTreeMap<Scope, Stated> {
    let of_account = numbers(limits.concurrency, limits.rpm, limits.rps, limits.tpm);
    let of_model = |(name, limit): (&String, &ModelLimit)| {
        let scope = Scope { model: Some(name.clone()), ..account.clone() };
        (scope, numbers(limit.concurrency, limit.rpm, limit.rps, limit.tpm))
    };
    limits.models.iter().map(of_model).chain([(account.clone(), of_account)]).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a limit is at most 1e12")]
fn numbers(concurrency: Option<u32>, rpm: Option<u32>, rps: Option<f64>, tpm: Option<u64>) -> Stated {
    let stated = [
        (Resource::Concurrency, concurrency.map(f64::from)),
        (Resource::CallsPerMinute, rpm.map(f64::from)),
        (Resource::CallsPerSecond, rps),
        (Resource::TokensPerMinute, tpm.map(|tokens| tokens as f64)),
    ];
    stated.into_iter().filter_map(|(resource, limit)| Some((resource, limit?))).collect()
}

fn scope_limits(scope: &Scope, stated: &Stated, fleet: &FleetState, now: Timestamp) -> ScopeLimits {
    let default = LaneState::default();
    let lane = fleet.lanes.get(scope).unwrap_or(&default);
    let holders: Vec<_> = fleet
        .holders
        .iter()
        .filter(|holder| now < holder.open_until)
        .filter_map(|holder| Some((holder, holder.leases.get(scope)?)))
        .collect();
    let meters = meters(scope, stated, lane);
    let live = holders.iter().filter(|(holder, _)| now < holder.valid_until);
    let mut executors: Vec<_> =
        holders.iter().map(|(holder, share)| executor_share(holder, share, &meters)).collect();
    executors.sort_by(|a, b| a.name.cmp(&b.name));
    ScopeLimits {
        limits: meters.iter().map(|meter| limit_use(meter, &holders, now)).collect(),
        waiting: live.map(|(_, share)| share.waiting).sum(),
        cooldown: lane.cooldown.clone().filter(|cooldown| now < cooldown.until),
        changes: lane.changes.clone(),
        executors,
    }
}

/// Returns what is limited. The concurrency of an account always is: without a stated one the executors find their own.
fn meters(scope: &Scope, stated: &Stated, lane: &LaneState) -> Vec<Meter> {
    let found = |resource| {
        let adaptive = lane.adaptive.as_ref()?;
        match resource {
            Resource::Concurrency => Some(f64::from(adaptive.concurrency)),
            Resource::CallsPerSecond => adaptive.calls_per_second,
            Resource::CallsPerMinute | Resource::TokensPerMinute => None,
        }
    };
    let meter = |&resource| {
        let stated = stated.get(&resource).copied();
        let adaptive = if stated.is_some() { None } else { found(resource) };
        let is_limited = stated.or(adaptive).is_some();
        let is_shown = is_limited || (resource == Resource::Concurrency && scope.model.is_none());
        is_shown.then_some(Meter { resource, stated, adaptive })
    };
    Resource::ALL.iter().filter_map(meter).collect()
}

fn limit_use(meter: &Meter, holders: &[(&Holder, &Share)], now: Timestamp) -> LimitUse {
    let (mut granted, mut withheld, mut wanted, mut in_flight) = (0, 0, 0, 0);
    for (holder, share) in holders {
        let holding = share.resources.get(&meter.resource).copied().unwrap_or_default();
        if now < holder.valid_until {
            granted += holding.granted;
            wanted += holding.wants;
            in_flight += holding.used;
            withheld += holding.used.saturating_sub(holding.granted);
        } else {
            withheld += holding.granted.max(holding.used);
        }
    }
    if meter.resource != Resource::Concurrency {
        withheld = 0;
    }
    LimitUse {
        resource: meter.resource,
        stated: meter.stated,
        adaptive: meter.adaptive,
        burst: meter.burst(),
        granted: meter.value(granted),
        withheld: meter.value(withheld),
        wanted: meter.value(wanted),
        in_flight: meter.calls(in_flight),
    }
}

fn executor_share(holder: &Holder, share: &Share, meters: &[Meter]) -> ExecutorShare {
    let shares = meters.iter().map(|meter| {
        let holding = share.resources.get(&meter.resource).copied().unwrap_or_default();
        ResourceShare {
            resource: meter.resource,
            granted: meter.value(holding.granted),
            wanted: meter.value(holding.wants),
            in_flight: meter.calls(holding.used),
        }
    });
    ExecutorShare {
        name: holder.name.clone(),
        lease_ends_at: holder.valid_until,
        waiting: share.waiting,
        shares: shares.collect(),
        attempts: share.signals,
    }
}
