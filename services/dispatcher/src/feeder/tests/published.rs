//! Knowledge of a leader about jobs that were published and are not marked as fed.

use runmill_broker::{Broker as _, Queue};
use runmill_proto::{ProviderId, api::RateLimit};
use runmill_store::{ActiveRuns as _, DispatcherStore, ProviderReader as _, ProviderWriter as _};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    feeder::{
        jobs::{CHUNK, RunFeed},
        offers::Offers,
    },
    world::World,
};

/// Lets the provider have so many calls in flight that its window has room for `jobs`.
async fn widen(world: &World, n: u128, jobs: u32) {
    let id = ProviderId::from_uuid(Uuid::from_u128(n));
    let mut provider = world.store.provider(id).await.unwrap();
    provider.rate_limit = RateLimit { concurrency: Some(jobs.div_ceil(2)), ..RateLimit::default() };
    provider.version += 1;
    world.store.update_provider(&provider).await.unwrap();
}

#[tokio::test]
async fn an_ordinary_job_has_its_term_and_is_no_possible_copy() {
    let mut world = World::new().await;
    world.run(1, 5, json!({})).await;

    world.feed().await;

    let jobs = world.take(1).await;
    assert_eq!(jobs.len(), 5);
    assert!(jobs.iter().all(|job| job.term == 1 && !job.possible_copy), "{jobs:?}");
}

#[tokio::test]
async fn a_new_leader_takes_one_chunk_of_each_run_for_possible_copies() {
    let mut world = World::new().await;
    world.run(1, 400, json!({"retry": {"trial_calls": 0}})).await;
    widen(&world, 1, 400).await;
    world.replace_leader().await;

    world.feed().await;

    let jobs = world.take(1).await;
    let copies = jobs.iter().filter(|job| job.possible_copy).map(|job| u64::from(job.ordinal));
    assert_eq!(copies.collect::<Vec<_>>(), (0..CHUNK).collect::<Vec<_>>());
    assert!(jobs.iter().all(|job| job.term == 2), "{jobs:?}");
    assert_eq!(jobs.len(), 400);
}

#[tokio::test]
async fn a_run_that_is_submitted_to_a_leader_has_no_possible_copies() {
    let mut world = World::new().await;
    world.replace_leader().await;
    world.clock.advance(std::time::Duration::from_secs(5));
    world.run(1, 5, json!({})).await;

    world.feed().await;

    assert!(world.take(1).await.iter().all(|job| !job.possible_copy));
}

#[tokio::test]
async fn a_job_whose_confirm_was_lost_is_fed_again_as_a_possible_copy() {
    let mut world = World::new().await;
    let run = world.run(1, 8, json!({})).await;
    world.broker.lose_confirm(3);

    world.feed().await;
    assert_eq!(world.row(run).await.cursor.fed, 3);
    let first = world.take(1).await;
    world.feed().await;

    let again = world.take(1).await;
    assert!(first.iter().all(|job| !job.possible_copy));
    assert_eq!(again.iter().map(|job| job.ordinal).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
    assert!(again.iter().all(|job| job.possible_copy), "{again:?}");
    assert_eq!(world.row(run).await.cursor.fed, 8);
}

#[tokio::test]
async fn a_deferred_job_whose_confirm_was_lost_is_fed_again_as_a_possible_copy() {
    let mut world = World::new().await;
    let run = world.run(1, 2, json!({})).await;
    world.feed().await;
    world.take(1).await;
    let store: &dyn DispatcherStore = &world.store;
    store.defer_lost(run, world.clock.now(), 9).await.unwrap();
    // The two jobs before were publishes 0 and 1.
    world.broker.lose_confirm(2);

    world.feed().await;
    assert_eq!(world.row(run).await.cursor.deferred, 2);
    world.feed().await;

    assert_eq!(world.row(run).await.cursor.deferred, 0);
    assert!(world.take(1).await.iter().all(|job| job.possible_copy && job.attempt == 1));
}

/// The store failed when they were to be marked. They must not be published again, since the broker has them.
#[tokio::test]
async fn jobs_that_were_confirmed_are_marked_before_others_are_fed() {
    let world = World::new().await;
    let run = world.run(1, 9, json!({})).await;
    let active = world.store.active_runs().await.unwrap().remove(0);
    let mut offers = Offers::default();
    offers.confirmed(&active.run, 4, &[]);
    let (feeder, leading) = (&*world.feeder, &world.leading);
    let mut feed = RunFeed { feeder, leading, active: &active, offers: &mut offers };

    assert!(feed.mark_again().await.unwrap());
    assert!(!feed.mark_again().await.unwrap());

    assert_eq!(world.row(run).await.cursor.fed, 4);
    assert_eq!(world.take(1).await.len(), 0);
}

#[tokio::test]
async fn a_leader_whose_lease_ended_publishes_nothing() {
    let mut world = World::new().await;
    let run = world.run(1, 5, json!({})).await;
    world.leading.release().await;

    world.feed().await;

    assert_eq!((world.take(1).await.len(), world.row(run).await.cursor.fed), (0, 0));
}

#[tokio::test]
async fn a_job_that_the_broker_never_takes_pauses_its_run_with_the_reason() {
    let mut world = World::new().await;
    let run = world.run(1, 5, json!({})).await;
    world.broker.refuse_as_too_large(true);

    world.feed().await;

    let paused = world.row(run).await;
    let reason = paused.pause_reason().unwrap();
    assert!(reason.contains("7 bytes") && reason.contains("max_message_size"), "{reason}");
}

/// The window of the healthy lane is smaller than its run, so it is fed in several passes.
#[tokio::test]
async fn a_lane_whose_publish_waits_delays_no_other() {
    let world = World::new().await;
    world.run(1, 5, json!({})).await;
    let run = world.run(2, 30, json!({})).await;
    world.broker.block(Queue::Jobs(ProviderId::from_uuid(Uuid::from_u128(1))));
    let queue = Queue::Jobs(ProviderId::from_uuid(Uuid::from_u128(2)));
    let mut taking = world.broker.subscribe(queue, 1_000).await.unwrap();
    world.leading.release().await;
    let stop = CancellationToken::new();
    let feeding = tokio::spawn((*world.feeder).clone().run(stop.clone()));

    for _ in 0..30 {
        let delivery = taking.next().await.unwrap();
        world.answer(&[delivery.message.decode().unwrap()]).await;
        delivery.ack().await.unwrap();
    }

    assert_eq!(world.row(run).await.stats.settled(), 30);
    stop.cancel();
    feeding.await.unwrap().unwrap();
}
