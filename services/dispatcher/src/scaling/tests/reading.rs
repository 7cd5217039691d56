//! Readings of the work from the store, over an `SQLite` file.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    InvocationId, RunId,
    api::LaneBound,
    message::{Deferred, Job},
    testing,
};
use runmill_store::{LogBatch, LogEntry, LogWriter as _};
use serde_json::json;
use uuid::Uuid;

use super::table::CARRIED;
use crate::{
    scaling::{Scaler, ScalingSettings, Waiting},
    world::World,
};

/// Returns a dispatcher's scaler, which remembers no look.
fn scaler(world: &World) -> Scaler {
    Scaler {
        store: Arc::new(world.store.clone()),
        clock: world.clock.clock(),
        metrics: world.feeder.metrics.clone(),
        waiting: Waiting::default(),
        settings: ScalingSettings::default(),
        lane_concurrency: CARRIED.lane_concurrency,
        last: Arc::default(),
    }
}

async fn needed(world: &World) -> u32 {
    scaler(world).scaling().await.unwrap().executors_needed
}

/// Records that the job is deferred until `not_before`.
async fn defer(world: &World, job: &Job, not_before: Timestamp) {
    let deferred = Deferred {
        run_id: job.run_id,
        ordinal: job.ordinal,
        sample: job.sample,
        epoch: job.epoch,
        attempt: 0,
        failures: 0,
        not_before,
        reason: "later".into(),
        pause: false,
        pause_cause: None,
        unreachable: false,
        call: testing::call(InvocationId::from_uuid(Uuid::now_v7())),
    };
    let batch = LogBatch(vec![LogEntry::Deferred(Box::new(deferred))]);
    world.store.write_logs(&batch, world.clock.now()).await.unwrap();
}

#[tokio::test]
async fn a_deferred_job_is_work_from_a_minute_before_its_time() {
    let mut world = World::new().await;
    world.run(1, 1, json!({})).await;
    world.feed().await;
    assert_eq!(needed(&world).await, 1, "a job in the queue is work");
    let jobs = world.take(1).await;
    defer(&world, &jobs[0], world.clock.now() + SignedDuration::from_mins(10)).await;

    assert_eq!(needed(&world).await, 0);
    world.clock.advance(Duration::from_secs(9 * 60 + 1));
    assert_eq!(needed(&world).await, 1);
}

#[tokio::test]
async fn a_run_on_trial_needs_what_its_trial_feeds() {
    let world = World::new().await;
    world.run(1, 5_000, json!({"retry": {"trial_calls": 7}})).await;

    let scaling = scaler(&world).scaling().await.unwrap();

    let lane = &scaling.lanes[0];
    assert_eq!((lane.waiting, lane.wanted_in_flight, scaling.executors_needed), (7, 7, 1), "{lane:?}");
    assert_eq!((lane.limit_in_flight, lane.limited_by), (64, LaneBound::Executors));
}

#[tokio::test]
async fn calls_of_other_dispatchers_clients_are_what_executors_have_beyond_jobs() {
    let mut world = World::new().await;
    let run = world.run(1, 4, json!({})).await;
    world.feed().await;
    world.beat(run, 4, false).await;
    let lane = async |world: &World| scaler(world).scaling().await.unwrap().lanes[0].clone();
    let jobs = lane(&world).await;
    assert_eq!((jobs.in_flight, jobs.waiting), (4, 0), "its four jobs are in flight: {jobs:?}");

    world.beat(RunId::from_uuid(Uuid::from_u128(99)), 6, false).await;
    let calls = lane(&world).await;
    assert_eq!((calls.in_flight, calls.wanted_in_flight), (6, 10), "six calls beside four jobs: {calls:?}");
}

#[tokio::test]
async fn a_second_dispatcher_tells_what_the_first_one_needed() {
    let world = World::new().await;
    let (one, other) = (scaler(&world), scaler(&world));
    let request = one.waiting.request();
    let told = one.scaling().await.unwrap();
    assert_eq!((told.executors_wanted, told.requests), (1, 1));
    drop(request);

    let told = other.scaling().await.unwrap();
    assert_eq!((told.executors_wanted, told.executors_needed), (1, 0));
    world.clock.advance(Duration::from_secs(131));
    assert_eq!(scaler(&world).scaling().await.unwrap().executors_wanted, 0);
}
