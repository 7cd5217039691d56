use std::sync::Arc;

use lapin::message::Delivery;

use super::{settlement::Settlement, shared::Shared, wire};
use crate::{DeliveryTag, queue::RENEWED_AT};

/// Returns true if the broker has returned this message to its queue so often that it is renewed.
pub(super) fn is_due(raw: &Delivery) -> bool {
    wire::broker_count(raw) >= RENEWED_AT
}

/// Publishes a copy of the message, for which the broker counts from zero, and then acks the message: a crash in between
/// leaves two messages, never none. If the copy cannot be published, the message is handed out as it is.
pub(super) async fn renew(shared: Arc<Shared>, tag: DeliveryTag, mut raw: Delivery) {
    let deliveries = wire::delivery_count(&raw);
    let message = wire::envelope(&mut raw);
    let properties = wire::renewed_properties(&message, deliveries);
    let route = shared.topology.route(shared.queue);
    match shared.publisher.publish(route, properties, message.body.clone()).await {
        Ok(()) => shared.settle(tag, Settlement::ack).await,
        Err(error) => {
            tracing::debug!(%error, message.id = %message.id, deliveries, "a message could not be renewed");
            raw.data = message.body.into();
            shared.unacked.keep(tag, raw);
        }
    }
}
