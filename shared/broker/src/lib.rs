//! How messages travel: one small port, over RabbitMQ ([`amqp`]) and in this process ([`memory`]).
//!
//! The contract is [`conformance`]: both implementations pass all of it. In short: a publish returns when
//! the broker has taken responsibility; a delivery stays ours until it is settled; what is not settled
//! when its subscription ends is delivered again; delivered too often, it becomes a dead letter.

pub mod amqp;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod delivery;
mod error;
mod inbox;
pub mod memory;
mod message;
mod queue;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

pub use delivery::{Delivery, Settle};
pub use error::{BrokerError, PublishError, RequestError};
pub use message::Envelope;
pub use queue::{DELIVERY_LIMIT, Queue, log_partition};

/// A connection to a broker, shared by the whole process.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Makes sure that `queue` exists. Publishing to a queue that nobody declared is
    /// [`PublishError::Unroutable`].
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError>;

    /// Returns once the broker has taken responsibility for the message. Cancel safe in the sense that the
    /// message may or may not have been taken.
    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError>;

    /// Declares `queue` and takes messages from it, at most `prefetch` unsettled at once. The
    /// subscription mends itself: it outlives connections and channels.
    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError>;

    /// Tells every process that listens now. Not kept for those that do not.
    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError>;

    /// What is broadcast from now on. After a reconnection something may have been missed; the listener
    /// then yields [`Heard::Gap`].
    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError>;

    /// Sends to whichever process takes from [`Queue::Requests`], and waits for its answer.
    async fn request(&self, message: Envelope, timeout: Duration) -> Result<Envelope, RequestError>;

    /// Answers a delivery that came by [`Broker::request`]. An asker that has gone is not an error.
    async fn reply(&self, to: &Delivery, answer: Envelope) -> Result<(), PublishError>;

    /// Whether messages can be published now; if not, why.
    fn health(&self) -> Result<(), String>;

    /// Ends all subscriptions and connections, waiting for what is being written.
    async fn close(&self);
}

/// A stream of deliveries from one queue.
#[async_trait]
pub trait Subscription: Send {
    /// The next delivery; `None` only after [`Subscription::stop`] or after the broker was closed. Cancel safe.
    async fn next(&mut self) -> Option<Delivery>;

    /// How many unsettled deliveries may be held from now on. Zero takes nothing more, and leaves the
    /// messages to others. Those in hand stay ours either way.
    ///
    /// What a lower prefetch leaves to others may have been on its way here, and `RabbitMQ` before 4.3 counts
    /// that as a return: not to be lowered more often than needed.
    async fn set_prefetch(&mut self, prefetch: u16);

    /// Acks `last` and every earlier delivery of this subscription that is still unsettled.
    async fn ack_through(&mut self, last: Delivery) -> Result<(), BrokerError>;

    /// Takes nothing more and hands back what was buffered but not yet returned by `next`. Deliveries in hand
    /// can still be settled while the subscription lives.
    async fn stop(&mut self);
}

/// What a listener hears.
#[derive(Debug)]
pub enum Heard {
    Message(Envelope),
    /// The connection was lost for a while: read from the store what may have been missed.
    Gap,
}

#[async_trait]
pub trait Listener: Send {
    /// `None` after the broker was closed. Cancel safe.
    async fn next(&mut self) -> Option<Heard>;
}

/// A broker as services hold it.
pub type SharedBroker = Arc<dyn Broker>;
