use std::sync::Arc;

use async_trait::async_trait;
use lapin::{message::Delivery as RawDelivery, types::ShortString};

use super::{settlement::Settlement, shared::Shared, wire};
use crate::{BrokerError, DELIVERY_LIMIT, DeliveryTag, Envelope, PublishError, Settle};

/// Settles one delivery of `RabbitMQ`.
pub(super) struct AmqpSettle {
    shared: Arc<Shared>,
    tag: DeliveryTag,
    /// Number of earlier deliveries.
    delivery_count: u32,
    /// Address of the requester, if the delivery is a request.
    reply_to: Option<ReplyTo>,
}

/// Address to which the answer to a request is sent.
#[derive(Clone)]
pub(super) struct ReplyTo {
    pub queue: ShortString,
    pub correlation_id: ShortString,
}

impl ReplyTo {
    pub fn of(raw: &RawDelivery) -> Option<Self> {
        let queue = raw.properties.reply_to().clone()?;
        let correlation_id = raw.properties.correlation_id().clone()?;
        Some(Self { queue, correlation_id })
    }
}

impl AmqpSettle {
    pub fn new(
        shared: Arc<Shared>,
        tag: DeliveryTag,
        delivery_count: u32,
        reply_to: Option<ReplyTo>,
    ) -> Self {
        Self { shared, tag, delivery_count, reply_to }
    }

    /// Returns true if a message that failed again becomes a dead letter. The broker cannot tell, because its count
    /// starts again when the message is renewed.
    fn failed_too_often(&self) -> bool {
        self.shared.queue.has_dead_letters() && self.delivery_count >= DELIVERY_LIMIT
    }
}

#[async_trait]
impl Settle for AmqpSettle {
    async fn ack(&self) -> Result<(), BrokerError> {
        self.shared.settle(self.tag, Settlement::ack).await;
        Ok(())
    }

    async fn requeue(&self) -> Result<(), BrokerError> {
        self.shared.settle(self.tag, Settlement::requeue).await;
        Ok(())
    }

    async fn requeue_as_failed(&self, message: &Envelope) -> Result<(), BrokerError> {
        if self.failed_too_often() {
            return self.dead_letter(message, "delivery_limit").await;
        }
        self.shared.settle(self.tag, Settlement::requeue_as_failed).await;
        Ok(())
    }

    /// Publishes the copy first, then acks: a crash in between leaves two messages, never none. Without a copy the
    /// message is requeued.
    async fn dead_letter(&self, message: &Envelope, reason: &str) -> Result<(), BrokerError> {
        let Shared { topology, queue, .. } = &*self.shared;
        let properties = wire::dead_properties(message, reason, topology.queue(*queue).as_str());
        let route = topology.dead();
        match self.shared.publisher.publish(route, properties, message.body.clone()).await {
            Ok(()) => self.ack().await,
            Err(error) => {
                self.shared.settle(self.tag, Settlement::requeue_as_failed).await;
                Err(PublishError::of_dead_letter(error))
            }
        }
    }

    async fn reply(&self, answer: Envelope) -> Result<bool, PublishError> {
        let Some(ReplyTo { queue, correlation_id }) = self.reply_to.clone() else { return Ok(false) };
        let properties = wire::transient_properties(&answer).with_correlation_id(correlation_id);
        match self.shared.publisher.publish(self.shared.topology.reply(queue), properties, answer.body).await
        {
            // The requester's queue is gone, and the requester with it.
            Err(PublishError::Unroutable(_)) => Ok(false),
            published => published.map(|()| true),
        }
    }
}
