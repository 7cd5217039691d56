use async_trait::async_trait;

use crate::{BrokerError, DeliveryTag, Envelope, PublishError};

/// A message that this process has taken and not yet settled. Settle it with exactly one of the methods that take
/// `self`. If it is dropped unsettled, it stays unacked until its subscription ends, and is then redelivered.
pub struct Delivery {
    pub message: Envelope,
    /// Number of earlier deliveries of this message, to any process, as far as the broker reports them. If it is not
    /// zero, another process may have handled the message, or still does.
    pub delivery_count: u32,
    tag: DeliveryTag,
    settle: Box<dyn Settle>,
}

/// Settles one delivery of an implementation. If its connection is lost, this does nothing and is no error, because
/// the broker redelivers the message.
#[async_trait]
pub trait Settle: Send + Sync {
    async fn ack(&self) -> Result<(), BrokerError>;
    async fn requeue(&self) -> Result<(), BrokerError>;
    async fn requeue_as_failed(&self, message: &Envelope) -> Result<(), BrokerError>;
    async fn dead_letter(&self, message: &Envelope, reason: &str) -> Result<(), BrokerError>;
    async fn reply(&self, answer: Envelope) -> Result<bool, PublishError>;
}

impl Delivery {
    pub fn new(message: Envelope, delivery_count: u32, tag: DeliveryTag, settle: Box<dyn Settle>) -> Self {
        Self { message, delivery_count, tag, settle }
    }

    /// Wraps the settling of this delivery, so that a decorator of a subscription can observe it.
    #[must_use]
    pub fn map_settle(self, wrap: impl FnOnce(Box<dyn Settle>) -> Box<dyn Settle>) -> Self {
        Self { settle: wrap(self.settle), ..self }
    }

    /// Identifies this delivery to [`Subscription::ack_through`](crate::Subscription::ack_through).
    pub fn tag(&self) -> DeliveryTag {
        self.tag
    }

    /// Removes the message from the queue. Call it when the effect of the message is durable.
    pub async fn ack(self) -> Result<(), BrokerError> {
        self.settle.ack().await
    }

    /// Puts the message back into its queue, before newer ones, because nothing was done with it. It may be counted as a
    /// delivery, but never makes the message a dead letter.
    pub async fn requeue(self) -> Result<(), BrokerError> {
        self.settle.requeue().await
    }

    /// Puts the message back into its queue, before newer ones, after a failure that the message may have caused. This
    /// always counts as a delivery, and at [`DELIVERY_LIMIT`](crate::DELIVERY_LIMIT) the message becomes a dead letter.
    pub async fn requeue_as_failed(self) -> Result<(), BrokerError> {
        self.settle.requeue_as_failed(&self.message).await
    }

    /// Moves a message that nobody can handle to [`Queue::Dead`](crate::Queue::Dead), with `reason`. On an error it
    /// is requeued, which counts as a delivery.
    pub async fn dead_letter(self, reason: &str) -> Result<(), BrokerError> {
        self.settle.dead_letter(&self.message, reason).await
    }

    /// Answers a delivery that came by [`Broker::request`](crate::Broker::request) or
    /// [`Broker::request_stream`](crate::Broker::request_stream), and leaves it unsettled. A streaming requester gets all
    /// answers, in the order of these calls if each waits for the one before; another gets the first.
    ///
    /// Returns false, and nothing is sent, if the message is not a request or its requester no longer waits. `RabbitMQ`
    /// knows the requester's process only, so true may be said of a requester that has gone in a process that lives.
    pub async fn reply(&self, answer: Envelope) -> Result<bool, PublishError> {
        self.settle.reply(answer).await
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.message.id)
            .field("message_type", &self.message.message_type)
            .field("delivery_count", &self.delivery_count)
            .finish_non_exhaustive()
    }
}
