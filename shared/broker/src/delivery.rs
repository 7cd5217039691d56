use async_trait::async_trait;

use crate::{BrokerError, Envelope};

/// A message in our hands. Settle it with exactly one of the methods that take `self`; dropped unsettled,
/// it stays ours until its subscription ends, and is then delivered again.
pub struct Delivery {
    pub message: Envelope,
    /// How often it was delivered before, to anyone, as far as the broker says.
    pub delivery_count: u32,
    settle: Box<dyn Settle>,
}

/// How an implementation settles a delivery. A delivery of a connection that is gone settles to nothing: the
/// broker delivers it again by itself.
#[async_trait]
pub trait Settle: Send + Sync {
    async fn ack(&self) -> Result<(), BrokerError>;
    async fn hand_back(&self) -> Result<(), BrokerError>;
    async fn reject(&self) -> Result<(), BrokerError>;
    async fn dead_letter(&self, message: &Envelope, reason: &str) -> Result<(), BrokerError>;
    /// What an implementation needs to know its own deliveries by.
    fn as_any(&self) -> &dyn std::any::Any;
}

impl Delivery {
    pub fn new(message: Envelope, delivery_count: u32, settle: Box<dyn Settle>) -> Self {
        Self { message, delivery_count, settle }
    }

    /// Its effect is durable: forget it.
    pub async fn ack(self) -> Result<(), BrokerError> {
        self.settle.ack().await
    }

    /// Nothing was done with it: let another have it, soon.
    pub async fn hand_back(self) -> Result<(), BrokerError> {
        self.settle.hand_back().await
    }

    /// It failed here in a way that may be its own fault: deliver it again, and count that.
    pub async fn reject(self) -> Result<(), BrokerError> {
        self.settle.reject().await
    }

    /// Nobody can handle it: keep it in the dead-letter queue with `reason`. On an error it is delivered again, and
    /// counted.
    pub async fn dead_letter(self, reason: &str) -> Result<(), BrokerError> {
        self.settle.dead_letter(&self.message, reason).await
    }

    /// The implementation's side of this delivery.
    pub fn settle(&self) -> &dyn Settle {
        &*self.settle
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
