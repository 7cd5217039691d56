//! Tests of the broker over a real `RabbitMQ`. They need `AMQP_URL`; the fault tests start servers of their own.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod conformance;
mod dead_letters;
mod faults;
mod noise;
mod operator;
mod publishing;
mod racing;
mod refusals;
mod settings;
mod streams;
mod tls;

use std::time::Duration;

use runmill_broker::{
    Envelope, Queue,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_proto::ProviderId;
use runmill_testkit::unique_prefix;
use uuid::Uuid;

/// Returns settings with a prefix of its own, whose queues the broker deletes after a minute without use.
fn settings(url: &str) -> AmqpSettings {
    AmqpSettings {
        prefix: unique_prefix(),
        queue_expires: Some(Duration::from_mins(1)),
        ..AmqpSettings::new(url)
    }
}

async fn connect(url: &str) -> AmqpBroker {
    AmqpBroker::connect(settings(url)).await.unwrap()
}

fn lane() -> Queue {
    Queue::Jobs(ProviderId::from_uuid(Uuid::now_v7()))
}

fn message(number: u32) -> Envelope {
    Envelope {
        id: Uuid::now_v7(),
        message_type: "test.v1".into(),
        body: number.to_be_bytes().to_vec().into(),
        traceparent: None,
        reason: None,
    }
}

fn number(message: &Envelope) -> u32 {
    u32::from_be_bytes(message.body[..].try_into().unwrap())
}
