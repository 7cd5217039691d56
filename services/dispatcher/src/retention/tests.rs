use std::time::Duration;

use runmill_proto::RunId;
use runmill_store::{DatasetReader as _, ResultFilter, ResultReader as _, RunReader as _, UsageReader as _};
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::world::World;

const DAY: Duration = Duration::from_hours(24);

fn of(world: &World, keep: Option<Duration>) -> Retention {
    Retention { store: Arc::new(world.store.clone()), clock: world.clock.clock(), keep }
}

/// Creates run number `id` with one item and answers it.
async fn ended_run(world: &mut World, n: u128) -> RunId {
    let id = world.run(n, 1, json!({})).await;
    world.feed().await;
    let jobs = world.take(n).await;
    world.answer(&jobs).await;
    id
}

#[tokio::test(start_paused = true)]
async fn runs_are_kept_as_long_as_the_setting_says_and_then_with_their_datasets_removed() {
    let mut world = World::new().await;
    let old = ended_run(&mut world, 1).await;
    world.clock.advance(2 * DAY);
    let young = ended_run(&mut world, 2).await;
    let open = world.run(3, 1, json!({})).await;

    let (mut looked, mut dropped) = (None, None);
    assert!(!of(&world, None).step(&mut looked, &mut dropped).await.unwrap());
    assert!(world.store.run(old).await.is_ok(), "without the setting all is kept");

    let retention = of(&world, Some(DAY));
    let (mut looked, mut dropped) = (None, None);
    assert!(retention.step(&mut looked, &mut dropped).await.unwrap());

    assert!(matches!(world.store.run(old).await, Err(StoreError::NotFound { .. })));
    assert!(world.store.run(young).await.is_ok() && world.store.run(open).await.is_ok());
    assert_eq!(world.store.datasets(None, None, 9).await.unwrap().len(), 2);
    assert!(!retention.step(&mut looked, &mut dropped).await.unwrap(), "one step has deleted all");
    assert_eq!(world.store.results(old, &ResultFilter::default(), None, 9).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn use_is_kept_for_400_days_or_as_long_as_runs_if_that_is_longer() {
    let mut world = World::new().await;
    ended_run(&mut world, 1).await;
    let days = async || world.store.usage(None, ("1970-01-01", "1975-01-01"), None, 9).await.unwrap().len();
    let look = async |keep| of(&world, keep).step(&mut None, &mut None).await.unwrap();
    assert_eq!(days().await, 1);

    world.clock.advance(400 * DAY);
    look(Some(DAY)).await;
    assert_eq!(days().await, 1, "the day of the call is 400 days ago");
    world.clock.advance(DAY);
    look(None).await;
    look(Some(500 * DAY)).await;
    assert_eq!(days().await, 1);
    look(Some(DAY)).await;
    assert_eq!(days().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_grows_old_is_found_within_the_hour() {
    let mut world = World::new().await;
    let run = ended_run(&mut world, 1).await;
    let working = tokio::spawn(of(&world, Some(DAY)).run());
    tokio::time::sleep(LOOK_EVERY / 2).await;
    assert!(world.store.run(run).await.is_ok());
    world.clock.advance(2 * DAY);
    let began = Instant::now();

    while world.store.run(run).await.is_ok() {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }

    assert!(began.elapsed() <= 2 * LOOK_EVERY, "{:?}", began.elapsed());
    working.abort();
}
