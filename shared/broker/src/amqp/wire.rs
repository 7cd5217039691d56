//! Converts between [`Envelope`] and AMQP messages.

use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable, LongString},
};
use runmill_proto::codec;
use uuid::Uuid;

use crate::{Envelope, Queue};

const TRACEPARENT: &str = "traceparent";
/// Header with the reason why this project made the message a dead letter.
const REASON: &str = "x-runmill-reason";
/// Header with the reason why the broker made the message a dead letter.
const BROKER_REASON: &str = "x-first-death-reason";
/// Header with the queue from which this project moved the message to the dead letters.
const ORIGIN: &str = "x-runmill-queue";
/// Header with the queue from which the broker moved the message to the dead letters.
const BROKER_ORIGIN: &str = "x-first-death-queue";
/// Header in which the broker counts the returns of a message.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// Header with the number of deliveries before the message was renewed.
const EARLIER_DELIVERIES: &str = "x-runmill-deliveries";

const TRANSIENT: u8 = 1;
const PERSISTENT: u8 = 2;

pub(super) fn properties(message: &Envelope) -> BasicProperties {
    with_headers(message, FieldTable::default())
}

/// Returns the properties of a message for `queue`.
pub(super) fn properties_in(queue: Queue, message: &Envelope) -> BasicProperties {
    if queue.is_replicated() { properties(message) } else { transient_properties(message) }
}

/// Returns the properties of a message that need not survive a restart of the broker. Nothing waits for its disk then.
pub(super) fn transient_properties(message: &Envelope) -> BasicProperties {
    properties(message).with_delivery_mode(TRANSIENT)
}

/// Returns the properties of the copy that becomes a dead letter.
///
/// * `origin` — name of the queue that the message is taken from.
pub(super) fn dead_properties(message: &Envelope, reason: &str, origin: &str) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(REASON.into(), text(reason));
    headers.insert(ORIGIN.into(), text(origin));
    with_headers(message, headers)
}

/// Returns the properties of the copy that replaces a message after this number of deliveries.
pub(super) fn renewed_properties(message: &Envelope, deliveries: u32) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(EARLIER_DELIVERIES.into(), AMQPValue::LongLongInt(deliveries.into()));
    with_headers(message, headers)
}

/// Returns the properties of a message that is moved to another queue as it is.
pub(super) fn moved_properties(raw: &Delivery) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in raw.properties.headers().iter().flat_map(FieldTable::inner) {
        if name.as_str() != DELIVERY_COUNT {
            headers.insert(name.clone(), value.clone());
        }
    }
    raw.properties.clone().with_headers(headers)
}

/// Returns the name of the queue from which a dead letter came, if it is known.
pub(super) fn origin(raw: &Delivery) -> Option<String> {
    let properties = &raw.properties;
    header(properties, ORIGIN).or_else(|| header(properties, BROKER_ORIGIN)).and_then(as_text)
}

fn with_headers(message: &Envelope, mut headers: FieldTable) -> BasicProperties {
    if let Some(traceparent) = &message.traceparent {
        headers.insert(TRACEPARENT.into(), text(traceparent));
    }
    let properties = BasicProperties::default()
        .with_content_type(codec::CONTENT_TYPE.into())
        .with_type(message.message_type.as_str().into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(message.id.to_string().into())
        .with_headers(headers);
    // A UUIDv7 contains the time at which it was made.
    match message.id.get_timestamp() {
        Some(made) => properties.with_timestamp(made.to_unix().0),
        None => properties,
    }
}

/// Returns the `message_id` if it is a UUID, as this project's are.
pub(super) fn message_id(properties: &BasicProperties) -> Option<Uuid> {
    properties.message_id().as_ref().and_then(|id| Uuid::try_parse(id.as_str()).ok())
}

pub(super) fn envelope(delivery: &mut Delivery) -> Envelope {
    let body = std::mem::take(&mut delivery.data).into();
    let properties = &delivery.properties;
    Envelope {
        id: message_id(properties).unwrap_or_default(),
        message_type: properties.kind().as_ref().map(ToString::to_string).unwrap_or_default(),
        traceparent: header(properties, TRACEPARENT).and_then(as_text),
        reason: header(properties, REASON).or_else(|| header(properties, BROKER_REASON)).and_then(as_text),
        body,
    }
}

/// Returns the number of earlier deliveries, those before a renewal included.
pub(super) fn delivery_count(delivery: &Delivery) -> u32 {
    let earlier = header(&delivery.properties, EARLIER_DELIVERIES).and_then(as_number).unwrap_or(0);
    earlier.saturating_add(broker_count(delivery))
}

/// Returns the number of returns as the broker counts them against its limit. Up to 3.11, `RabbitMQ` sends the header
/// from the first delivery on; later versions send it from the second on. For a classic queue it is never sent.
pub(super) fn broker_count(delivery: &Delivery) -> u32 {
    let counted = header(&delivery.properties, DELIVERY_COUNT).and_then(as_number).unwrap_or(0);
    counted.max(u32::from(delivery.redelivered))
}

fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

fn as_text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn as_number(value: &AMQPValue) -> Option<u32> {
    let number = match *value {
        AMQPValue::ShortShortInt(n) => i64::from(n),
        AMQPValue::ShortShortUInt(n) => i64::from(n),
        AMQPValue::ShortInt(n) => i64::from(n),
        AMQPValue::ShortUInt(n) => i64::from(n),
        AMQPValue::LongInt(n) => i64::from(n),
        AMQPValue::LongUInt(n) => i64::from(n),
        AMQPValue::LongLongInt(n) => n,
        _ => return None,
    };
    u32::try_from(number).ok()
}
