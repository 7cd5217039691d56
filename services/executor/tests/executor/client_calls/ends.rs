//! Calls that end before their answer.

use jiff::Timestamp;
use runmill_broker::{Broker, Envelope, Queue};
use runmill_proto::{
    ErrorKind, Outcome,
    message::{ClientCall, Control},
};
use runmill_runtime::Shutdown;

use super::{Client, call, recorded};
use crate::{model::STREAMING, watched::Seen, world::World};

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_providers_request() {
    let mut world = World::new().await;
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    world.model.is_asked().await;
    assert_eq!(world.next().await, Seen::Taken(client.id));
    let id = client.id;

    drop(client);
    world.model.stream("nobody reads this");

    world.model.is_hung_up_on().await;
    let record = recorded(&mut world, id).await;
    assert_eq!((record.outcome, record.response), (Outcome::Canceled, None));
    assert_eq!(record.call.attempts[0].error_kind, Some(ErrorKind::Interrupted));
    assert_eq!(record.call.cost_nanousd, None);
}

#[tokio::test]
async fn a_canceled_call_ends_the_providers_request_at_once() {
    let mut world = World::new().await;
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    world.model.is_asked().await;
    assert_eq!(world.next().await, Seen::Taken(client.id));

    let canceled = Control::CallCanceled { call_id: client.call.id };
    world.broker.broadcast(Envelope::new(&canceled)).await.unwrap();

    world.model.is_hung_up_on().await;
    assert_eq!(recorded(&mut world, client.id).await.outcome, Outcome::Canceled);
}

#[tokio::test]
async fn a_call_of_an_executor_that_died_is_made_by_the_next() {
    let mut world = World::new().await;
    let queue = Queue::Calls(world.provider_id);
    let mut dying = world.broker.inner.subscribe(queue, 1).await.unwrap();
    let mut client = Client::new(&world, call(&world, "slow")).await;
    let lost = dying.next().await.unwrap();
    world.start();

    drop(dying);
    world.model.answer(1);

    client.is_taken().await;
    assert_eq!(client.answer().await.text, "4");
    world.model.is_asked().await;
    drop(lost);
}

#[tokio::test]
async fn a_call_whose_deadline_has_passed_is_not_made() {
    let mut world = World::new().await;
    world.start();
    let late = ClientCall { deadline: Timestamp::UNIX_EPOCH, ..call(&world, "slow") };
    let mut client = Client::new(&world, late).await;

    assert_eq!(client.failure().await.kind, ErrorKind::DeadlinePassed);

    assert_eq!(world.next().await, Seen::Taken(client.id));
    let record = recorded(&mut world, client.id).await;
    assert_eq!((record.outcome, record.call.attempts.len()), (Outcome::Failed, 0));
    world.life.stop.cancel();
    assert_eq!(world.end().await, (Shutdown::OnRequest, vec![]));
}

#[tokio::test]
async fn a_drain_finishes_the_call_in_flight_and_hands_back_the_one_that_waits() {
    let mut world = World::new().await;
    world.start();
    let mut first = Client::new(&world, call(&world, "slow")).await;
    first.is_taken().await;
    world.model.is_asked().await;
    let mut second = Client::new(&world, call(&world, "slow")).await;
    second.is_taken().await;
    assert_eq!(world.next().await, Seen::Taken(first.id));
    assert_eq!(world.next().await, Seen::Taken(second.id));

    world.life.stop.cancel();
    assert_eq!(world.next().await, Seen::Requeued(second.id));
    world.model.answer(1);

    assert_eq!(first.answer().await.text, "4");
    recorded(&mut world, first.id).await;
    assert_eq!(world.end().await, (Shutdown::OnRequest, vec![]));
}

#[tokio::test]
async fn a_kill_leaves_a_call_whose_answer_has_not_begun_to_another_executor() {
    let mut world = World::new().await;
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    world.model.is_asked().await;
    assert_eq!(world.next().await, Seen::Taken(client.id));

    world.life.stop.cancel();
    world.life.kill.cancel();

    let record = world.next_invocation().await;
    assert_eq!((record.error_kind, record.call.attempts.len()), (Some(ErrorKind::Interrupted), 1));
    assert_eq!(world.next().await, Seen::Requeued(client.id));
    assert_eq!(world.end().await, (Shutdown::OnRequest, vec![]));
}

#[tokio::test]
async fn a_kill_fails_a_call_whose_answer_has_begun() {
    let mut world = World::new().await;
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    world.model.is_asked().await;
    world.model.stream("6");
    assert_eq!(client.text().await, "6");
    assert_eq!(world.next().await, Seen::Taken(client.id));

    world.life.stop.cancel();
    world.life.kill.cancel();

    assert_eq!(client.failure().await.kind, ErrorKind::Interrupted);
    assert_eq!(recorded(&mut world, client.id).await.outcome, Outcome::Failed);
}
