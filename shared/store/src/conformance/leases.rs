use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    ProviderId,
    api::ExecutorStatus,
    lease::{Adaptive, Holding, LaneState, Leases, Resource, Scope, Share},
};
use uuid::Uuid;

use super::{Stores, world::at};
use crate::{Beat, Claim, Decision, Exchanged, FleetState, Store, Talk};

/// Longer than a test takes.
const LONG: Duration = Duration::from_mins(5);

fn scope(model: Option<&str>) -> Scope {
    Scope { model: model.map(str::to_owned), ..Scope::account(ProviderId::from_uuid(Uuid::nil())) }
}

fn leases(granted: u32) -> Leases {
    let resources = [(Resource::Concurrency, Holding { granted, used: 0, wants: 9 })].into();
    Leases::from([(scope(None), Share { resources, ..Share::default() })])
}

/// A claim of a share, whose lease lasts for longer than the test.
fn claim(number: u64, granted: u32) -> Claim {
    Claim { number, leases: leases(granted), valid_for: LONG, open_for: LONG, ..Claim::default() }
}

fn decided(version: u64, claim: Claim) -> Claim {
    Claim { decision: Some(Decision { version, lanes: BTreeMap::new() }), ..claim }
}

async fn exchange(store: &dyn Store, name: &str, claim: Claim) -> Exchanged {
    let status = ExecutorStatus { started_at: at(0), ..runmill_proto::testing::executor(name, at(1)) };
    store.exchange(&Beat { status, talk: Talk::default(), claim }).await.unwrap()
}

/// Returns the slots that each executor has.
fn grants(fleet: &FleetState) -> Vec<(&str, u32)> {
    let granted = |leases: &Leases| leases[&scope(None)].resources[&Resource::Concurrency].granted;
    let mut grants: Vec<_> =
        fleet.holders.iter().map(|holder| (&*holder.name, granted(&holder.leases))).collect();
    grants.sort_unstable();
    grants
}

async fn fleet(stores: &Stores) -> FleetState {
    stores.one.fleet().await.unwrap().1
}

pub async fn a_share_that_grows_needs_the_newest_decision(stores: &Stores) {
    let joined = exchange(&*stores.one, "a", claim(1, 0)).await;
    assert_eq!((joined.accepted, joined.fleet.version), (true, 0), "it holds nothing");

    let grown = exchange(&*stores.one, "a", decided(0, claim(2, 4))).await;
    assert_eq!((grown.accepted, grown.fleet.version), (true, 1));
    let late = exchange(&*stores.other, "b", decided(0, claim(1, 4))).await;
    assert_eq!((late.accepted, late.fleet.version), (false, 1));
    assert_eq!(grants(&late.fleet), [("a", 4)]);
    assert_eq!(grants(&fleet(stores).await), [("a", 4)], "a new executor, too, needs the newest");

    let next = exchange(&*stores.other, "b", decided(1, claim(2, 4))).await;
    assert_eq!((next.accepted, next.fleet.version), (true, 2));
    assert_eq!(grants(&fleet(stores).await), [("a", 4), ("b", 4)]);
}

pub async fn a_share_is_renewed_and_shrinks_without_a_decision(stores: &Stores) {
    exchange(&*stores.one, "a", decided(0, claim(1, 4))).await;
    let before = fleet(stores).await;

    let renewed = exchange(&*stores.other, "a", claim(2, 3)).await;

    assert_eq!((renewed.accepted, renewed.fleet.version), (true, 1));
    assert_eq!(renewed.fleet.holders, [], "its own are no others'");
    let after = fleet(stores).await;
    assert_eq!((grants(&after), after.version), (vec![("a", 3)], 1));
    assert!(after.holders[0].valid_until >= before.holders[0].valid_until);
}

pub async fn a_lease_at_its_end_is_renewed_only_by_a_decision(stores: &Stores) {
    for (number, valid_for) in [(1, Duration::ZERO), (3, Claim::COMMIT_TIME)] {
        let version = fleet(stores).await.version;
        let ending = Claim { valid_for, ..claim(number, 4) };
        assert!(exchange(&*stores.one, "a", decided(version, ending)).await.accepted);

        let late = exchange(&*stores.one, "a", claim(number + 1, 3)).await;

        assert!(!late.accepted, "{valid_for:?}");
        assert_eq!(grants(&fleet(stores).await), [("a", 4)], "its calls may be open");
    }

    assert!(exchange(&*stores.one, "a", decided(2, claim(5, 3))).await.accepted);
    assert_eq!(grants(&fleet(stores).await), [("a", 3)]);
}

pub async fn an_executor_that_holds_nothing_may_say_so_at_any_time(stores: &Stores) {
    let ended = Claim { valid_for: Duration::ZERO, ..claim(1, 4) };
    exchange(&*stores.one, "a", decided(0, ended)).await;

    assert!(exchange(&*stores.one, "a", claim(2, 0)).await.accepted);

    assert_eq!(grants(&fleet(stores).await), [("a", 0)]);
}

/// A statement can reach the server after a later one, because its connection was slow.
pub async fn a_claim_does_not_replace_a_later_one(stores: &Stores) {
    exchange(&*stores.one, "a", decided(0, claim(1, 1))).await;
    exchange(&*stores.one, "a", decided(1, claim(3, 4))).await;

    for late in [claim(2, 1), decided(2, claim(2, 1)), claim(1, 0)] {
        assert!(!exchange(&*stores.other, "a", late).await.accepted);
    }

    assert_eq!(grants(&fleet(stores).await), [("a", 4)]);
}

pub async fn of_decisions_at_once_one_is_accepted(stores: &Stores) {
    for round in 0..20 {
        let (one, other) = tokio::join!(
            exchange(&*stores.one, "a", decided(round, claim(round + 1, 1))),
            exchange(&*stores.other, "b", decided(round, claim(round + 1, 1))),
        );
        assert!(one.accepted != other.accepted, "{round}: {} {}", one.accepted, other.accepted);
        assert_eq!(fleet(stores).await.version, round + 1);
    }
}

pub async fn an_executor_has_shares_until_its_calls_are_at_an_end(stores: &Stores) {
    let ended = Claim { valid_for: Duration::ZERO, presence: Some("p".into()), ..claim(1, 4) };
    exchange(&*stores.one, "frozen", decided(0, ended)).await;
    let closed = Claim { valid_for: Duration::ZERO, open_for: Duration::ZERO, ..claim(1, 4) };
    exchange(&*stores.one, "gone", decided(1, closed)).await;

    let read = exchange(&*stores.other, "b", Claim::default()).await.fleet;

    assert_eq!(grants(&read), [("frozen", 4)]);
    let frozen = &read.holders[0];
    assert!(frozen.valid_until <= read.read_at && frozen.open_until > read.read_at, "{read:?}");
    assert_eq!(frozen.presence.as_deref(), Some("p"));
    assert_eq!(grants(&fleet(stores).await), [("frozen", 4)]);
}

pub async fn a_decision_replaces_the_lanes_that_it_names(stores: &Stores) {
    let lane = |concurrency| LaneState {
        adaptive: Some(Adaptive { concurrency, ..Adaptive::default() }),
        ..LaneState::default()
    };
    let decide = async |number, version, lanes| {
        let decision = Decision { version, lanes };
        exchange(&*stores.one, "a", Claim { decision: Some(decision), ..claim(number, 0) }).await
    };
    let (account, model) = (scope(None), scope(Some("meta/llama-3")));

    let first = decide(1, 0, [(account.clone(), lane(8)), (model.clone(), lane(2))].into()).await;
    assert_eq!(first.fleet.lanes, [(account.clone(), lane(8)), (model.clone(), lane(2))].into());
    let stale = decide(2, 0, [(account.clone(), lane(99))].into()).await;
    assert_eq!((stale.accepted, &stale.fleet.lanes), (false, &first.fleet.lanes));
    let second =
        decide(3, 1, [(account.clone(), LaneState::default()), (model.clone(), lane(3))].into()).await;

    assert_eq!(second.fleet.lanes, [(model, lane(3))].into(), "the account's is as if it had none");
    let read = exchange(&*stores.other, "b", Claim::default()).await.fleet;
    assert_eq!((read.lanes, read.version), (second.fleet.lanes, 2));
}

pub async fn an_executor_is_not_forgotten_while_its_calls_may_be_open(stores: &Stores) {
    exchange(&*stores.one, "a", decided(0, claim(1, 4))).await;
    let open_until = fleet(stores).await.holders[0].open_until;

    stores.one.forget_executors(open_until).await.unwrap();
    assert_eq!(grants(&fleet(stores).await), [("a", 4)]);

    stores.one.forget_executors(open_until + SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(stores.one.executors(Timestamp::UNIX_EPOCH).await.unwrap(), []);
}

pub async fn an_executor_whose_process_is_gone_is_deleted_unless_it_renewed(stores: &Stores) {
    exchange(&*stores.one, "a", decided(0, claim(1, 4))).await;
    let end = fleet(stores).await.holders[0].valid_until;
    let longer = Claim { valid_for: 2 * LONG, ..claim(2, 4) };
    assert!(exchange(&*stores.one, "a", longer).await.accepted);

    stores.other.remove_dead("a", end).await.unwrap();
    let fleet_now = fleet(stores).await;
    assert_eq!(grants(&fleet_now), [("a", 4)]);

    stores.other.remove_dead("a", fleet_now.holders[0].valid_until).await.unwrap();
    assert_eq!(fleet(stores).await.holders, []);
}
