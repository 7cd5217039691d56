//! Jobs that may be copies, with another executor that the test plays.

use std::time::Duration;

use runmill_broker::{Broker, Envelope};
use runmill_proto::{ErrorKind, Outcome, message::Job};
use runmill_runtime::Clock;
use runmill_store::{Answer, Ask, Beat, Claim, Exchange, Holding, Talk};
use tokio::time::{interval, timeout};
use uuid::Uuid;

use crate::{watched::Seen, world::World};

const PEER: &str = "another";

/// Writes a heartbeat of the other executor, and returns the questions of the tested one.
async fn beat(world: &World, answers: Vec<Answer>) -> Vec<Ask> {
    let now = Clock::system().now();
    let status = runmill_proto::testing::executor(PEER, now);
    let beat = Beat { status, talk: Talk { asks: Vec::new(), answers }, claim: Claim::default() };
    let peers = world.store.exchange(&beat).await.unwrap().peers;
    peers.into_iter().find_map(|peer| peer.talk).map(|talk| talk.asks).unwrap_or_default()
}

/// Beats as a living executor until it is asked, and then answers.
async fn answer(world: &World, holding: Holding) {
    let mut beats = interval(Duration::from_millis(20));
    let answered = async {
        loop {
            beats.tick().await;
            let asks = beat(world, Vec::new()).await;
            if let [ask] = asks[..] {
                beat(world, vec![Answer { to: "tested".into(), number: ask.number, holding }]).await;
                return;
            }
        }
    };
    timeout(Duration::from_secs(30), answered).await.expect("it is asked");
}

/// Publishes a job of which the broker counts `count` earlier deliveries.
async fn redelivered(world: &World, job: &Job, count: u32) -> Uuid {
    let id = world.publish_as(Envelope::new(job)).await;
    let mut others = world.broker.inner.subscribe(world.lane, 1).await.unwrap();
    for _ in 0..count {
        others.next().await.unwrap().requeue().await.unwrap();
    }
    id
}

#[tokio::test]
async fn a_copy_is_dropped_while_another_executor_works_on_the_job() {
    for holding in [Holding::Working, Holding::Done] {
        let mut world = World::new().await;
        beat(&world, Vec::new()).await;
        let copy = Envelope::new(&Job { possible_copy: true, ..world.job(0) });
        let copy = world.publish_as(copy).await;
        world.start();
        assert_eq!(world.next().await, Seen::Taken(copy));

        answer(&world, holding).await;

        assert_eq!(world.next().await, Seen::Acked(copy), "{holding:?}");
        assert!(!world.model.was_asked());
    }
}

#[tokio::test]
async fn a_copy_is_called_if_no_other_executor_has_the_job() {
    let mut world = World::new().await;
    world.model.answer(1);
    beat(&world, Vec::new()).await;
    let copy = redelivered(&world, &world.job(0), 1).await;
    world.start();
    assert_eq!(world.next().await, Seen::Taken(copy));
    assert!(!world.model.was_asked());

    answer(&world, Holding::Nothing).await;

    assert_eq!(world.next_invocation().await.outcome, Outcome::Succeeded);
    assert_eq!(world.next().await, Seen::Acked(copy));
}

#[tokio::test]
async fn an_ordinary_job_asks_nobody() {
    let mut world = World::new().await;
    world.model.answer(2);
    world.start();
    // The first job may come before the first heartbeat.
    let first = world.publish(0).await;
    assert_eq!(world.next().await, Seen::Taken(first));
    world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(first));
    // From now on there is another executor, which does not answer.
    beat(&world, Vec::new()).await;

    let second = world.publish(1).await;

    assert_eq!(world.next().await, Seen::Taken(second));
    assert_eq!(world.next_invocation().await.outcome, Outcome::Succeeded);
}

/// The two jobs wait together for the five seconds after which a silent executor counts as dead.
#[tokio::test]
async fn a_dead_executor_holds_no_copy_back_and_its_deaths_are_counted() {
    let mut world = World::new().await;
    world.model.answer(1);
    beat(&world, Vec::new()).await;
    redelivered(&world, &Job { crashes: 2, ..world.job(1) }, 2).await;
    redelivered(&world, &world.job(0), 1).await;
    world.start();

    let mut logs = Vec::new();
    while logs.len() < 2 {
        if let Seen::Published(log) = world.next().await {
            logs.push(log.decode::<runmill_proto::message::Invocation>().unwrap());
        }
    }

    logs.sort_by_key(|log| log.ordinal);
    assert_eq!(logs[0].outcome, Outcome::Succeeded);
    assert_eq!((logs[1].outcome, logs[1].error_kind), (Outcome::Failed, Some(ErrorKind::Quarantined)));
    assert!(logs[1].call.attempts.is_empty());
}

#[tokio::test]
async fn an_answer_too_large_for_the_broker_ends_as_a_failure_that_keeps_its_call() {
    let mut world = World::new().await;
    world.broker.limit(4_000);
    world.model.say(&"long ".repeat(1_000));
    world.model.answer(1);
    let job = world.publish(0).await;
    world.start();

    assert_eq!(world.next().await, Seen::Taken(job));
    assert_eq!(world.next().await, Seen::Refused);
    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));

    assert_eq!((log.outcome, log.error_kind), (Outcome::Failed, Some(ErrorKind::AnswerTooLarge)));
    assert_eq!((log.response, log.call.attempts.len()), (None, 1));
    assert_eq!(log.call.usage.map(|usage| usage.prompt_tokens), Some(3));
}

#[tokio::test]
async fn a_lane_that_cannot_be_consumed_is_said_and_tried_again() {
    let mut world = World::new().await;
    world.model.answer(1);
    world.broker.refuse_subscriptions(1);
    let job = world.publish(0).await;
    world.start();

    assert_eq!(world.next().await, Seen::NotSubscribed);
    assert!(!world.life.stop.is_cancelled(), "the executor goes on");

    assert_eq!(world.next().await, Seen::Taken(job));
    assert_eq!(world.health.check(), Ok(()));
    assert_eq!(world.next_invocation().await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn an_executor_leaves_when_its_last_job_has_ended() {
    let mut world = World::new().await;
    let job = world.publish(0).await;
    world.start();
    assert_eq!(world.next().await, Seen::Taken(job));
    world.model.is_asked().await;
    world.life.stop.cancel();
    world.model.answer(1);
    world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));

    let store = world.store.clone();
    world.end().await;

    let known = runmill_store::ExecutorReader::executors(&store, jiff::Timestamp::MIN).await.unwrap();
    assert_eq!(known, []);
}
