//! Limits of a provider's account and models, stated or found.

use std::collections::BTreeMap;

use runmill_proto::{
    ProviderId,
    api::RateLimit,
    lease::{Adaptive, LaneState, Leases, Resource, Scope, Share},
};
use runmill_quota::{
    Allowance,
    lease::{Limit, Limits, Stated},
};

/// Adds the limits of one provider. An account without a stated concurrency has the limits that the fleet found.
pub fn add(limits: &mut Limits, id: ProviderId, rate_limit: &RateLimit, lanes: &BTreeMap<Scope, LaneState>) {
    let account = Scope::account(id);
    let RateLimit { concurrency, rpm, rps, tpm, .. } = *rate_limit;
    let mut of_account = Stated { concurrency, rpm, rps, tpm }.limits();
    if concurrency.is_none() {
        let found = lanes.get(&account).and_then(|lane| lane.adaptive.clone()).unwrap_or_default();
        add_found(&mut of_account, &found, rps);
    }
    limits.insert(account, of_account);
    for (model, limit) in &rate_limit.models {
        let stated =
            Stated { concurrency: limit.concurrency, rpm: limit.rpm, rps: limit.rps, tpm: limit.tpm };
        limits.insert(Scope { provider_id: id, model: Some(model.clone()) }, stated.limits());
    }
}

fn add_found(limits: &mut BTreeMap<Resource, Limit>, found: &Adaptive, rps: Option<f64>) {
    limits.insert(Resource::Concurrency, Limit::concurrency(found.concurrency));
    if let Some(rate) = found.calls_per_second {
        limits.insert(Resource::CallsPerSecond, Limit::calls(rps.map_or(rate, |rps| rps.min(rate))));
    }
}

/// Returns the allowances of a provider's account and models by this executor's shares. Without a share nothing may
/// start.
pub fn allowances(
    limits: &Limits,
    leases: &Leases,
    id: ProviderId,
) -> (Allowance, BTreeMap<String, Allowance>) {
    let mut account = Allowance { concurrency: 0, ..Allowance::UNLIMITED };
    let mut models = BTreeMap::new();
    let of_provider = limits.iter().filter(|(scope, _)| scope.provider_id == id);
    for (scope, limits) in of_provider {
        let allowance = allowance(limits, leases.get(scope));
        match &scope.model {
            None => account = allowance,
            Some(model) => drop(models.insert(model.clone(), allowance)),
        }
    }
    (account, models)
}

fn allowance(limits: &BTreeMap<Resource, Limit>, share: Option<&Share>) -> Allowance {
    let granted = |resource| {
        let holding = share.and_then(|share| share.resources.get(&resource));
        holding.map_or(0, |holding| holding.granted)
    };
    let pace = |resource| limits.get(&resource).and_then(|limit| limit.pace(granted(resource)));
    let is_limited = limits.contains_key(&Resource::Concurrency);
    Allowance {
        concurrency: if is_limited { granted(Resource::Concurrency) } else { u32::MAX },
        calls_per_minute: pace(Resource::CallsPerMinute),
        calls_per_second: pace(Resource::CallsPerSecond),
        tokens_per_minute: pace(Resource::TokensPerMinute),
    }
}

/// Returns shares of `1 / executors` of each limit, rounded down.
pub fn equal_shares(limits: &Limits, executors: u32) -> Leases {
    let share = |limits: &BTreeMap<Resource, Limit>| {
        let holding = |limit: &Limit| runmill_proto::lease::Holding {
            granted: limit.slots() / executors.max(1),
            ..Default::default()
        };
        let resources = limits.iter().map(|(resource, limit)| (*resource, holding(limit))).collect();
        Share { resources, ..Share::default() }
    };
    limits.iter().map(|(scope, limits)| (scope.clone(), share(limits))).collect()
}
