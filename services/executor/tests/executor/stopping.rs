use runmill_proto::{ErrorKind, message::Deferred};
use runmill_runtime::Shutdown;

use crate::{watched::Seen, world::World};

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_hands_back_what_has_not_started() {
    let mut world = World::new().await;
    let in_flight = world.publish(0).await;
    world.start();
    assert_eq!(world.next().await, Seen::Taken(in_flight));
    world.model.is_asked().await;
    // The lane allows one call at a time. So this job waits for its slot, and the last one is not even taken from the
    // queue.
    let waiting = world.publish(1).await;
    assert_eq!(world.next().await, Seen::Taken(waiting));
    let untaken = world.publish(2).await;

    world.life.stop.cancel();
    assert_eq!(world.next().await, Seen::Requeued(waiting));
    world.model.answer(3);
    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(in_flight));

    assert_eq!((log.ordinal, log.response.as_deref()), (0, Some("4")));
    let (broker, lane) = (world.broker.clone(), world.lane);
    assert_eq!(world.end().await, (Shutdown::OnRequest, vec![]));
    let mut next = runmill_broker::Broker::subscribe(&broker.inner, lane, 10).await.unwrap();
    let mut left = [next.next().await.unwrap().message.id, next.next().await.unwrap().message.id];
    left.sort();
    assert_eq!(left, [waiting, untaken]);
}

#[tokio::test]
async fn a_kill_interrupts_the_call_and_defers_its_job() {
    let mut world = World::new().await;
    let job = world.publish(0).await;
    world.start();
    assert_eq!(world.next().await, Seen::Taken(job));
    world.model.is_asked().await;

    world.life.stop.cancel();
    world.life.kill.cancel();
    let Seen::Published(log) = world.next().await else { panic!("no log") };
    assert_eq!(world.next().await, Seen::Acked(job));

    let deferred: Deferred = log.decode().unwrap();
    assert_eq!(deferred.reason, Deferred::WORKER_SHUTDOWN);
    assert_eq!((deferred.ordinal, deferred.pause, deferred.call.attempts.len()), (0, false, 1));
    assert_eq!(deferred.call.attempts[0].error_kind, Some(ErrorKind::Interrupted));
    assert_eq!(world.end().await, (Shutdown::OnRequest, vec![]));
}

#[tokio::test]
async fn killed_while_the_broker_takes_no_log_it_leaves_the_job_to_the_next() {
    let mut world = World::with_refusals(u32::MAX).await;
    world.model.answer(1);
    let job = world.publish(0).await;
    world.start();
    assert_eq!(world.next().await, Seen::Taken(job));
    assert_eq!(world.next().await, Seen::Refused);
    world.model.is_asked().await;

    world.life.stop.cancel();
    world.life.kill.cancel();

    let (broker, lane) = (world.broker.clone(), world.lane);
    let (ended, seen) = world.end().await;
    assert_eq!(ended, Shutdown::OnRequest);
    assert!(seen.iter().all(|seen| *seen == Seen::Refused), "{seen:?}");
    let mut next = runmill_broker::Broker::subscribe(&broker.inner, lane, 1).await.unwrap();
    assert_eq!(next.next().await.unwrap().message.id, job);
}
