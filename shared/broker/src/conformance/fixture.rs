use std::{ops::Range, time::Duration};

use bytes::Bytes;
use futures::future::try_join_all;
use runmill_proto::ProviderId;
use tokio::time;
use uuid::Uuid;

use crate::{Broker, Delivery, Envelope, Queue, Subscription};

/// The broker under test, with a queue that no other case uses.
pub(super) struct Fixture<'a> {
    pub broker: &'a dyn Broker,
    pub queue: Queue,
}

impl<'a> Fixture<'a> {
    pub async fn new(broker: &'a dyn Broker) -> Self {
        let queue = unused_lane();
        broker.declare(queue).await.expect("declared");
        Self { broker, queue }
    }

    pub async fn subscribe(&self, prefetch: u16) -> Box<dyn Subscription> {
        self.broker.subscribe(self.queue, prefetch).await.expect("subscribed")
    }

    /// Publishes the messages with these numbers, in order.
    pub async fn publish(&self, numbers: Range<u32>) {
        for number in numbers {
            self.broker.publish(self.queue, message(number)).await.expect("published");
        }
    }

    /// Publishes the messages with these numbers at once, in any order.
    pub async fn publish_together(&self, numbers: Range<u32>) {
        let all = numbers.map(|number| self.broker.publish(self.queue, message(number)));
        try_join_all(all).await.expect("published");
    }
}

pub(super) fn unused_lane() -> Queue {
    Queue::Jobs(ProviderId::from_uuid(Uuid::now_v7()))
}

pub(super) fn message(number: u32) -> Envelope {
    Envelope {
        id: Uuid::now_v7(),
        message_type: "test.v1".into(),
        body: Bytes::copy_from_slice(&number.to_be_bytes()),
        traceparent: None,
        reason: None,
    }
}

pub(super) fn number(message: &Envelope) -> u32 {
    u32::from_be_bytes(message.body[..].try_into().expect("a message of this suite"))
}

pub(super) fn numbers(deliveries: &[Delivery]) -> Vec<u32> {
    deliveries.iter().map(|delivery| number(&delivery.message)).collect()
}

pub(super) async fn take_one(from: &mut dyn Subscription) -> Delivery {
    let next = time::timeout(Duration::from_secs(20), from.next());
    next.await.expect("a delivery comes").expect("the subscription goes on")
}

pub(super) async fn take(from: &mut dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::with_capacity(count);
    for _ in 0..count {
        taken.push(take_one(from).await);
    }
    taken
}

/// Takes and acks `count` messages, and returns their numbers.
pub(super) async fn drain(from: &mut dyn Subscription, count: usize) -> Vec<u32> {
    let mut drained = Vec::with_capacity(count);
    for _ in 0..count {
        let delivery = take_one(from).await;
        drained.push(number(&delivery.message));
        delivery.ack().await.expect("acked");
    }
    drained
}

pub(super) async fn ack_all(deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        delivery.ack().await.expect("acked");
    }
}
