use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    api::{ExecutorStatus, RateLimit},
    lease::WithoutStore,
};
use runmill_quota::{Admission, Ask, Class, Lane, Lanes};
use runmill_runtime::ManualClock;
use runmill_store::{Beat, Exchange as _, Talk, sqlite::SqliteStore};
use tempfile::TempDir;
use tokio::time::{Instant, advance, timeout};
use uuid::Uuid;

use super::{Keeper, keeper::LEASE};
use crate::exchange::Times;

const OPEN_FOR: Duration = Duration::from_secs(30);

/// Executors over one store.
struct World {
    store: SqliteStore,
    clock: ManualClock,
    _folder: TempDir,
}

struct Node {
    keeper: Keeper,
    lanes: Arc<Lanes>,
    name: &'static str,
}

fn provider() -> ProviderId {
    ProviderId::from_uuid(Uuid::nil())
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("runmill.db")).await.unwrap();
        Self { store, clock: ManualClock::new(Timestamp::UNIX_EPOCH), _folder: folder }
    }

    fn node(&self, name: &'static str, limits: RateLimit) -> Node {
        self.node_with(name, limits, WithoutStore::Stop)
    }

    fn node_with(&self, name: &'static str, limits: RateLimit, without_store: WithoutStore) -> Node {
        let lanes = Arc::new(Lanes::leased());
        let keeper = Keeper::new(name.into(), lanes.clone(), self.clock.clock(), 64, without_store);
        keeper.set_providers([(provider(), limits)]);
        Node { keeper, lanes, name }
    }

    async fn exchange(&self, node: &Node) {
        let status = ExecutorStatus {
            started_at: Timestamp::UNIX_EPOCH,
            ..runmill_proto::testing::executor(node.name, self.clock.clock().now())
        };
        let beat = Beat { status, talk: Talk::default(), claim: node.keeper.claim(false, &BTreeSet::new()) };
        let began = Instant::now();
        let exchanged = self.store.exchange(&beat).await.unwrap();
        node.keeper.hear(&beat.claim, &exchanged, Times { began, ended: Instant::now() });
    }

    /// Exchanges until nothing more changes.
    async fn settle(&self, nodes: &[&Node]) {
        for _ in 0..4 {
            for node in nodes {
                self.exchange(node).await;
            }
        }
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        advance(time).await;
    }
}

impl Node {
    fn lane(&self) -> Arc<Lane> {
        self.lanes.lane(provider())
    }

    /// Starts as many calls as may start, up to `most`.
    async fn start(&self, most: usize) -> Vec<Admission> {
        let ask = Ask { model: "m", estimated_tokens: 1, open_for: OPEN_FOR, class: Class::Run };
        let mut started = Vec::new();
        while started.len() < most {
            match timeout(Duration::ZERO, self.lane().admit(&ask)).await {
                Ok(admitted) => started.push(admitted.unwrap()),
                Err(_) => break,
            }
        }
        started
    }
}

fn concurrency(limit: u32) -> RateLimit {
    RateLimit { concurrency: Some(limit), ..RateLimit::default() }
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_before_a_share_was_accepted() {
    let world = World::new().await;
    let node = world.node("a", concurrency(8));
    assert_eq!(node.start(9).await.len(), 0);

    world.settle(&[&node]).await;
    let mut calls = node.start(9).await;
    assert_eq!(calls.len(), 1, "the first call starts at once");
    world.exchange(&node).await;

    calls.extend(node.start(9).await);
    assert_eq!(calls.len(), 8, "a lone executor has all");
}

#[tokio::test(start_paused = true)]
async fn a_lane_without_a_stated_limit_is_joined_without_a_wait() {
    let world = World::new().await;
    let node = world.node("a", RateLimit::default());
    node.keeper.set_providers([]);
    world.settle(&[&node]).await;
    // A run makes the provider.
    node.keeper.set_providers([(provider(), RateLimit::default())]);
    timeout(Duration::ZERO, node.keeper.urgent()).await.expect("a provider is new");
    world.exchange(&node).await;
    assert_eq!(node.start(2).await.len(), 1, "a job that comes starts at once");
}

#[tokio::test(start_paused = true)]
async fn a_busy_executor_has_what_an_idle_one_does_not_use() {
    let world = World::new().await;
    let (busy, idle) = (world.node("a", concurrency(8)), world.node("b", concurrency(8)));
    world.settle(&[&busy, &idle]).await;

    let mut calls = busy.start(9).await;
    world.exchange(&busy).await;
    calls.extend(busy.start(9).await);
    assert_eq!(calls.len(), 7, "an idle executor keeps one");
    world.settle(&[&idle]).await;

    let mut others = idle.start(9).await;
    busy.start(1).await;
    world.exchange(&idle).await;
    world.exchange(&busy).await;
    timeout(Duration::ZERO, busy.keeper.urgent()).await.expect("it gives back at once");
    world.exchange(&busy).await;
    calls.truncate(4);
    assert_eq!(busy.start(9).await.len(), 0, "its share has shrunk");
    others.extend(idle.start(9).await);
    assert_eq!(others.len(), 1, "the calls of the other count until they have ended");
    world.exchange(&busy).await;
    world.exchange(&idle).await;
    others.extend(idle.start(9).await);
    world.exchange(&idle).await;
    others.extend(idle.start(9).await);
    assert_eq!(others.len(), 4, "two busy ones have equal shares");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_executor_stops_before_its_share_is_given_away() {
    let world = World::new().await;
    let (frozen, other) = (world.node("a", concurrency(8)), world.node("b", concurrency(8)));
    world.settle(&[&frozen, &other]).await;
    let mut held = frozen.start(9).await;
    world.exchange(&frozen).await;
    held.extend(frozen.start(9).await);
    assert_eq!(held.len(), 7);

    world.pass(LEASE).await;
    drop(held);
    assert_eq!(frozen.start(9).await.len(), 0, "its lease has ended");
    world.settle(&[&other]).await;
    let mut calls = other.start(9).await;
    world.exchange(&other).await;
    calls.extend(other.start(9).await);
    assert_eq!(calls.len(), 1, "calls of the frozen one may be open");

    world.pass(OPEN_FOR + LEASE).await;
    world.settle(&[&other]).await;
    calls.extend(other.start(9).await);
    world.exchange(&other).await;
    calls.extend(other.start(9).await);
    assert_eq!(calls.len(), 8);
    world.settle(&[&frozen]).await;
    assert_eq!(frozen.start(9).await.len(), 0, "nothing is free for it");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_one_executor_pauses_all() {
    let world = World::new().await;
    let (refused, other) = (world.node("a", concurrency(8)), world.node("b", concurrency(8)));
    world.settle(&[&refused, &other]).await;

    let call = refused.start(1).await.pop().unwrap();
    call.cool_down(Some(Duration::from_secs(7)), "slow down", 0.0);
    drop(call);
    world.exchange(&refused).await;
    assert_eq!(other.start(1).await.len(), 1, "it has not heard");
    world.exchange(&other).await;

    assert_eq!(other.start(1).await.len(), 0);
    world.pass(Duration::from_secs(8)).await;
    world.settle(&[&refused, &other]).await;
    assert_eq!(other.start(1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_store_an_executor_stops_or_goes_on_with_an_equal_share() {
    for (without_store, want) in [(WithoutStore::Stop, 0), (WithoutStore::Share, 4)] {
        let world = World::new().await;
        let node = world.node_with("a", concurrency(8), without_store);
        let other = world.node("b", concurrency(8));
        world.settle(&[&node, &other]).await;

        world.pass(LEASE).await;
        node.keeper.missed();

        assert_eq!(node.start(9).await.len(), want, "{without_store}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lane_without_a_stated_limit_finds_its_own() {
    let world = World::new().await;
    let node = world.node("a", RateLimit::default());
    world.settle(&[&node]).await;
    let mut calls = node.start(64).await;
    world.exchange(&node).await;
    calls.extend(node.start(64).await);

    assert_eq!(calls.len(), 8, "it starts low");
}
