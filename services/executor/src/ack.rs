//! Settles deliveries. A failure to settle is only logged: the broker redelivers the message, and a job that was
//! already recorded is recognised.

use runmill_broker::{BrokerError, Delivery};

/// Acks a message whose effect is durable.
pub async fn ack(delivery: Delivery) {
    settled(delivery.ack().await);
}

/// Requeues a message that was not worked on, so that another executor can take it at once.
pub async fn requeue(delivery: Delivery) {
    settled(delivery.requeue().await);
}

/// Dead-letters a message that no executor can handle.
pub async fn dead_letter(delivery: Delivery, reason: &(dyn std::fmt::Display + Sync)) {
    tracing::error!(event = "executor.dead_letter", message_id = %delivery.message.id, error = %reason);
    settled(delivery.dead_letter(&reason.to_string()).await);
}

fn settled(settled: Result<(), BrokerError>) {
    if let Err(error) = settled {
        tracing::warn!(event = "executor.settle_failed", %error, "the message will be delivered again");
    }
}
