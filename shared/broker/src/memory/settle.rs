use std::sync::Arc;

use async_trait::async_trait;

use super::{
    queue::{MemoryQueue, QueuedMessage},
    reply_to::ReplyTo,
};
use crate::{BrokerError, Delivery, DeliveryTag, Envelope, PublishError, Settle};

/// Settles one delivery of a queue in memory.
pub(super) struct MemorySettle {
    queue: Arc<MemoryQueue>,
    tag: DeliveryTag,
    /// Requester, if the delivery is a request.
    reply_to: Option<ReplyTo>,
}

impl MemorySettle {
    pub fn delivery(queue: Arc<MemoryQueue>, tag: DeliveryTag, queued: QueuedMessage) -> Delivery {
        let settle = Self { queue, tag, reply_to: queued.reply_to };
        Delivery::new(queued.message, queued.delivery_count, tag, Box::new(settle))
    }
}

#[async_trait]
impl Settle for MemorySettle {
    async fn ack(&self) -> Result<(), BrokerError> {
        self.queue.ack(self.tag);
        Ok(())
    }

    async fn requeue(&self) -> Result<(), BrokerError> {
        self.queue.requeue(self.tag);
        Ok(())
    }

    async fn requeue_as_failed(&self, _message: &Envelope) -> Result<(), BrokerError> {
        self.queue.requeue_as_failed(self.tag);
        Ok(())
    }

    async fn dead_letter(&self, _message: &Envelope, reason: &str) -> Result<(), BrokerError> {
        let moved = self.queue.dead_letter(self.tag, reason);
        if moved.is_err() {
            self.queue.requeue(self.tag);
        }
        moved.map_err(PublishError::of_dead_letter)
    }

    async fn reply(&self, answer: Envelope) -> Result<bool, PublishError> {
        Ok(self.reply_to.as_ref().is_some_and(|reply_to| reply_to.send(answer)))
    }
}
