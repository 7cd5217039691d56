//! How deliveries are settled. A settling that fails is no fault: the broker delivers the message again, and what was
//! recorded is recognised.

use runmill_broker::{BrokerError, Delivery};

/// The effect of the message is durable.
pub async fn ack(delivery: Delivery) {
    settled(delivery.ack().await);
}

/// Nothing was done with the message: another executor may have it at once.
pub async fn requeue(delivery: Delivery) {
    settled(delivery.requeue().await);
}

/// No executor can handle the message.
pub async fn dead_letter(delivery: Delivery, reason: &(dyn std::fmt::Display + Sync)) {
    tracing::error!(event = "executor.dead_letter", message_id = %delivery.message.id, error = %reason);
    settled(delivery.dead_letter(&reason.to_string()).await);
}

fn settled(settled: Result<(), BrokerError>) {
    if let Err(error) = settled {
        tracing::warn!(event = "executor.settle_failed", %error, "the message will be delivered again");
    }
}
