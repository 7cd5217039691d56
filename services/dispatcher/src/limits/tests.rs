use jiff::ToSpan;
use runmill_proto::{
    api::ProviderLimits,
    lease::{Adaptive, Cooldown, Holding, LaneChange, Leases, Signals},
};
use uuid::Uuid;

use super::*;

fn provider() -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(1))
}

fn now() -> Timestamp {
    Timestamp::from_second(1_760_000_000).unwrap()
}

fn holding(granted: u32, used: u32, wants: u32) -> Holding {
    Holding { granted, used, wants }
}

/// Returns an executor whose lease ends after `seconds`, and whose calls may be open for a minute longer.
fn holder(name: &str, seconds: i64, resources: &[(Resource, Holding)], waiting: u32) -> Holder {
    let share = Share {
        resources: resources.iter().copied().collect(),
        waiting,
        signals: Signals { refused: 2, ..Signals::default() },
        ..Share::default()
    };
    let valid_until = now() + seconds.seconds();
    Holder {
        presence: None,
        name: name.to_owned(),
        leases: Leases::from([(Scope::account(provider()), share)]),
        valid_until,
        open_until: valid_until + 60.seconds(),
    }
}

fn view_of(rate_limit: &RateLimit, fleet: &FleetState) -> ProviderLimits {
    view(provider(), rate_limit, fleet, now())
}

fn account(rate_limit: &RateLimit, holders: Vec<Holder>) -> ScopeLimits {
    view_of(rate_limit, &FleetState { holders, ..FleetState::default() }).account
}

#[test]
fn shares_of_a_rate_have_its_unit_and_add_up_to_it() {
    // 600 calls a minute are 8 slots, and 60,000 tokens a minute are 3.
    let shares = |concurrency, calls, tokens| {
        [
            (Resource::Concurrency, concurrency),
            (Resource::CallsPerMinute, calls),
            (Resource::TokensPerMinute, tokens),
        ]
    };
    let holders = vec![
        holder("b", 12, &shares(holding(3, 2, 4), holding(3, 0, 8), holding(1, 0, 1)), 5),
        holder("a", 12, &shares(holding(5, 5, 9), holding(5, 0, 5), holding(2, 0, 2)), 0),
    ];

    let rate_limit =
        RateLimit { concurrency: Some(8), rpm: Some(600), tpm: Some(60_000), ..RateLimit::default() };
    let account = account(&rate_limit, holders);

    let found = |resource| {
        let it = account.limit(resource).unwrap();
        (it.stated, it.burst, it.granted, it.wanted, it.in_flight)
    };
    assert_eq!(found(Resource::Concurrency), (Some(8.0), None, 8.0, 13.0, Some(7)));
    assert_eq!(found(Resource::CallsPerMinute), (Some(600.0), Some(8.0), 600.0, 975.0, None));
    assert_eq!(found(Resource::TokensPerMinute), (Some(60_000.0), Some(2_000.0), 60_000.0, 60_000.0, None));
    assert_eq!((account.limits.len(), account.waiting), (3, 5));
    let names: Vec<_> = account.executors.iter().map(|executor| &*executor.name).collect();
    assert_eq!(names, ["a", "b"]);
    let granted: Vec<_> = account.executors[1].shares.iter().map(|share| share.granted).collect();
    assert_eq!(granted, [3.0, 225.0, 20_000.0]);
    assert_eq!(account.executors[0].attempts.refused, 2);
}

#[test]
fn what_may_still_be_open_is_withheld() {
    let concurrency = |granted, used| [(Resource::Concurrency, holding(granted, used, 0))];
    let holders = vec![
        holder("shrinks", 12, &concurrency(1, 3), 0),
        holder("frozen", -1, &concurrency(2, 1), 7),
        holder("gone", -61, &concurrency(9, 9), 7),
    ];

    let account = account(&RateLimit { concurrency: Some(8), ..RateLimit::default() }, holders);

    let limit = &account.limits[0];
    assert_eq!((limit.granted, limit.withheld, limit.in_flight), (1.0, 4.0, Some(3)));
    assert_eq!((account.waiting, account.executors.len()), (0, 2));
}

#[test]
fn limits_that_the_fleet_found_stand_where_none_is_stated() {
    let change = LaneChange { at: now(), concurrency: 12, calls_per_second: None, reason: "clean".into() };
    let state = |seconds: i64| LaneState {
        adaptive: Some(Adaptive { concurrency: 12, calls_per_second: Some(9.5), ..Adaptive::default() }),
        cooldown: Some(Cooldown { until: now() + seconds.seconds(), reason: "429".into() }),
        changes: vec![change.clone()],
    };
    let fleet = |seconds| FleetState {
        lanes: [(Scope::account(provider()), state(seconds))].into(),
        ..FleetState::default()
    };
    let found = |rate_limit, seconds| {
        let account = view_of(&rate_limit, &fleet(seconds)).account;
        let limits =
            account.limits.iter().map(|it| (it.resource, it.stated, it.adaptive)).collect::<Vec<_>>();
        assert_eq!(account.changes, std::slice::from_ref(&change));
        (limits, account.cooldown.is_some())
    };

    let adaptive =
        vec![(Resource::Concurrency, None, Some(12.0)), (Resource::CallsPerSecond, None, Some(9.5))];
    assert_eq!(found(RateLimit::default(), 5), (adaptive, true));
    let stated = vec![(Resource::Concurrency, Some(4.0), None), (Resource::CallsPerSecond, Some(2.0), None)];
    let rate_limit = RateLimit { concurrency: Some(4), rps: Some(2.0), ..RateLimit::default() };
    assert_eq!(found(rate_limit, 0), (stated, false));
}

#[test]
fn a_provider_that_nobody_has_used_has_an_unknown_concurrency() {
    let limits = view_of(&RateLimit::default(), &FleetState::default());

    let limit = &limits.account.limits[0];
    assert_eq!((limit.resource, limit.limit(), limit.granted), (Resource::Concurrency, None, 0.0));
    assert!(limits.models.is_empty() && limits.account.executors.is_empty());
}

#[test]
fn models_are_shown_beside_the_account_and_other_providers_are_not() {
    let model = Scope { model: Some("m".into()), ..Scope::account(provider()) };
    let other =
        Scope { model: Some("x".into()), ..Scope::account(ProviderId::from_uuid(Uuid::from_u128(2))) };
    let adaptive = LaneState {
        adaptive: Some(Adaptive { concurrency: 3, ..Adaptive::default() }),
        ..LaneState::default()
    };
    let fleet =
        FleetState { lanes: [(model, adaptive.clone()), (other, adaptive)].into(), ..FleetState::default() };

    let models = view_of(&RateLimit::default(), &fleet).models;

    assert_eq!(models.keys().collect::<Vec<_>>(), ["m"]);
    assert_eq!(models["m"].limits[0].adaptive, Some(3.0));
}
