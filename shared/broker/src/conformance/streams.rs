use std::time::Duration;

use runmill_proto::ProviderId;
use tokio::time;
use uuid::Uuid;

use super::fixture::{message, number, take_one};
use crate::{Answers, Broker, Queue, RequestError};

fn unused_calls() -> Queue {
    Queue::Calls(ProviderId::from_uuid(Uuid::now_v7()))
}

/// Receives `count` answers and returns their numbers.
async fn receive(answers: &mut dyn Answers, count: usize) -> Vec<u32> {
    let mut received = Vec::with_capacity(count);
    while received.len() < count {
        let next = time::timeout(Duration::from_secs(20), answers.next()).await;
        received.push(number(&next.expect("an answer comes").expect("the answers go on")));
    }
    received
}

pub async fn many_answers_arrive_in_order(broker: &dyn Broker) {
    let queue = unused_calls();
    let mut calls = broker.subscribe(queue, 1).await.unwrap();
    let mut answers = broker.request_stream(queue, message(0)).await.unwrap();
    let call = take_one(&mut *calls).await;

    for n in 0..100 {
        assert!(call.reply(message(n)).await.unwrap());
    }

    assert_eq!(receive(&mut *answers, 100).await, (0..100).collect::<Vec<_>>());
    call.ack().await.unwrap();
}

pub async fn streams_of_two_requesters_are_kept_apart(broker: &dyn Broker) {
    let queue = unused_calls();
    let mut calls = broker.subscribe(queue, 2).await.unwrap();
    let mut one = broker.request_stream(queue, message(1)).await.unwrap();
    let mut two = broker.request_stream(queue, message(2)).await.unwrap();
    let (first, second) = (take_one(&mut *calls).await, take_one(&mut *calls).await);

    for n in 0..5 {
        first.reply(message(100 + n)).await.unwrap();
        second.reply(message(200 + n)).await.unwrap();
    }

    assert_eq!(receive(&mut *one, 5).await, [100, 101, 102, 103, 104]);
    assert_eq!(receive(&mut *two, 5).await, [200, 201, 202, 203, 204]);
}

pub async fn a_requester_that_has_gone_disturbs_no_other(broker: &dyn Broker) {
    let queue = unused_calls();
    let mut calls = broker.subscribe(queue, 2).await.unwrap();
    let gone = broker.request_stream(queue, message(1)).await.unwrap();
    let mut waiting = broker.request_stream(queue, message(2)).await.unwrap();
    let (first, second) = (take_one(&mut *calls).await, take_one(&mut *calls).await);
    first.reply(message(1)).await.unwrap();

    drop(gone);

    first.reply(message(1)).await.unwrap();
    first.ack().await.unwrap();
    assert!(second.reply(message(2)).await.unwrap());
    assert_eq!(receive(&mut *waiting, 1).await, [2]);
}

/// The taker may die, and the next one begins anew.
pub async fn a_request_that_comes_again_is_answered_to_the_same_requester(broker: &dyn Broker) {
    let queue = unused_calls();
    let mut calls = broker.subscribe(queue, 1).await.unwrap();
    let mut answers = broker.request_stream(queue, message(7)).await.unwrap();
    let call = take_one(&mut *calls).await;
    assert!(call.reply(message(1)).await.unwrap());
    drop(calls);

    let mut calls = broker.subscribe(queue, 1).await.unwrap();
    let again = take_one(&mut *calls).await;

    assert_eq!((number(&again.message), again.delivery_count), (7, 1));
    assert!(again.reply(message(2)).await.unwrap());
    assert_eq!(receive(&mut *answers, 2).await, [1, 2]);
}

pub async fn a_request_that_nobody_takes_says_so(broker: &dyn Broker) {
    let refused = broker.request_stream(unused_calls(), message(1)).await;

    assert!(matches!(refused, Err(RequestError::NobodyTakes(_))), "{:?}", refused.err());
}

pub async fn a_reply_to_a_message_that_is_no_request_has_no_requester(broker: &dyn Broker) {
    let queue = unused_calls();
    let mut calls = broker.subscribe(queue, 1).await.unwrap();
    broker.publish(queue, message(1)).await.unwrap();

    assert!(!take_one(&mut *calls).await.reply(message(2)).await.unwrap());
}

pub async fn a_closed_broker_ends_the_answers(broker: &dyn Broker) {
    let queue = unused_calls();
    let mut calls = broker.subscribe(queue, 1).await.unwrap();
    let mut answers = broker.request_stream(queue, message(1)).await.unwrap();
    let mut strays = broker.stray_answers().await.unwrap();
    let call = take_one(&mut *calls).await;

    broker.close().await;

    assert!(time::timeout(Duration::from_secs(20), answers.next()).await.expect("an end comes").is_none());
    assert!(time::timeout(Duration::from_secs(20), strays.next()).await.expect("an end comes").is_none());
    drop(call);
}
