use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use runmill_broker::{Broker, Envelope};
use runmill_proto::{
    ErrorKind, Outcome,
    message::{Control, Deferred, Invocation},
};
use runmill_runtime::Clock;
use runmill_store::{Feed, ProviderReader, ProviderRow, ProviderWriter, RunWriter, Transition};

use crate::{watched::Seen, world::World};

#[tokio::test]
async fn jobs_of_a_canceled_run_are_settled_without_a_call() {
    let mut world = World::new().await;
    world.store.transition(world.run_id, Transition::Cancel, Clock::system().now()).await.unwrap();
    let job = world.publish(0).await;
    world.start();

    assert_eq!(world.next().await, Seen::Taken(job));
    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));

    assert_eq!((log.outcome, log.error_kind, log.call.attempts.len()), (Outcome::Canceled, None, 0));
    assert!(!world.model.was_asked());
}

#[tokio::test]
async fn jobs_of_a_run_that_ended_while_no_executor_was_there_are_settled_without_a_call() {
    let mut world = World::new().await;
    let job = world.publish(0).await;
    let now = Clock::system().now();
    world.store.transition(world.run_id, Transition::Cancel, now).await.unwrap();
    assert!(world.store.end_canceled(world.run_id, now, now).await.unwrap());
    world.start();

    assert_eq!(world.next().await, Seen::Taken(job));
    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));

    assert_eq!((log.outcome, log.call.attempts.len()), (Outcome::Canceled, 0));
    assert!(!world.model.was_asked());
}

#[tokio::test]
async fn a_cancel_interrupts_the_call_in_flight() {
    let mut world = World::new().await;
    let job = world.publish(0).await;
    world.start();
    world.model.is_asked().await;
    assert_eq!(world.next().await, Seen::Taken(job));

    world.store.transition(world.run_id, Transition::Cancel, Clock::system().now()).await.unwrap();
    let canceled = Control::RunCanceled { run_id: world.run_id };
    world.broker.broadcast(Envelope::new(&canceled)).await.unwrap();

    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));
    assert_eq!((log.outcome, log.call.attempts.len()), (Outcome::Canceled, 1));
    assert_eq!(log.call.attempts[0].error_kind, Some(ErrorKind::Interrupted));
}

#[tokio::test]
async fn a_graceful_cancel_lets_the_call_in_flight_finish_and_starts_no_other() {
    let mut world = World::new().await;
    let in_flight = world.publish(0).await;
    world.start();
    assert_eq!(world.next().await, Seen::Taken(in_flight));
    world.model.is_asked().await;
    // The lane allows one call at a time.
    let waiting = world.publish(1).await;
    assert_eq!(world.next().await, Seen::Taken(waiting));

    world.store.transition(world.run_id, Transition::CancelGracefully, Clock::system().now()).await.unwrap();
    let draining = Control::RunDraining { run_id: world.run_id };
    world.broker.broadcast(Envelope::new(&draining)).await.unwrap();

    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(waiting));
    assert_eq!((log.ordinal, log.outcome, log.call.attempts.len()), (1, Outcome::Canceled, 0));
    world.model.answer(1);
    let log = world.next_invocation().await;
    assert_eq!((log.ordinal, log.outcome), (0, Outcome::Succeeded));
    assert_eq!(world.next().await, Seen::Acked(in_flight));
}

#[tokio::test]
async fn what_nobody_can_read_is_put_aside_with_the_reason_and_others_go_on() {
    let mut world = World::new().await;
    world.model.answer(1);
    let newer = Envelope { message_type: "job.v9".into(), ..Envelope::new(&world.job(0)) };
    let broken = Envelope { body: Bytes::from_static(b"\xc1"), ..Envelope::new(&world.job(1)) };
    let bad = [world.publish_as(newer).await, world.publish_as(broken).await];
    world.start();

    let mut reasons = Vec::new();
    while reasons.len() < bad.len() {
        if let Seen::DeadLettered(id, reason) = world.next().await {
            reasons.push((id, reason));
        }
    }
    reasons.sort();
    assert!(reasons[0].0 == bad[0] && reasons[0].1.contains("job.v9"), "{reasons:?}");
    assert!(reasons[1].0 == bad[1] && reasons[1].1.contains("job.v1"), "{reasons:?}");

    let good = world.publish(2).await;
    assert_eq!(world.next().await, Seen::Taken(good));
    assert_eq!(world.next_invocation().await.outcome, Outcome::Succeeded);
}

/// The executor's keyring or its address rules differ from those of other processes, so no item is at fault.
#[tokio::test]
async fn a_provider_that_this_executor_cannot_use_pauses_the_run_and_fails_no_item() {
    let mut world = World::new().await;
    let row = world.store.provider(world.smoke_test().provider_id).await.unwrap();
    let metadata =
        ProviderRow { base_url: "http://169.254.169.254/v1".into(), version: row.version + 1, ..row };
    world.store.update_provider(&metadata).await.unwrap();
    let job = world.publish(0).await;
    world.start();

    assert_eq!(world.next().await, Seen::Taken(job));
    let Seen::Published(log) = world.next().await else { panic!("no log") };
    let deferred: Deferred = log.decode().unwrap();
    assert_eq!(world.next().await, Seen::Acked(job));

    assert!(deferred.pause && deferred.reason.contains("RUNMILL_ALLOW_LINK_LOCAL"), "{deferred:?}");
    assert!(deferred.not_before > deferred.call.started_at, "it is tried again by itself: {deferred:?}");
}

#[tokio::test]
async fn a_job_whose_work_panics_fails_and_the_next_goes_on() {
    let mut world = World::new().await;
    world.model.answer(1);
    world.publish(0).await;
    world.publish(1).await;
    let (calls, now) = (AtomicU32::new(0), Clock::system());
    world.start_by(Clock::from_fn(move || {
        assert!(calls.fetch_add(1, Ordering::Relaxed) > 0, "a fault of ours");
        now.now()
    }));

    let mut logs = Vec::new();
    while logs.len() < 2 {
        if let Seen::Published(log) = world.next().await {
            logs.push(log.decode::<Invocation>().unwrap());
        }
    }

    logs.sort_by_key(|log| log.outcome.as_str());
    assert_eq!((logs[0].outcome, logs[0].error_kind), (Outcome::Failed, Some(ErrorKind::Poisoned)));
    assert_eq!(logs[1].outcome, Outcome::Succeeded);
}
