//! Sends messages between processes. The port has an implementation over RabbitMQ ([`amqp`]) and one within this
//! process ([`memory`]).
//!
//! The contract is [`conformance`], which both implementations pass. In short: a publish returns when the broker has
//! taken responsibility; a delivery stays unacked with its process until it is settled; if it is unsettled when its
//! subscription ends, it is delivered again; a message that failed too often becomes a dead letter. [`Broker`],
//! [`Subscription`] and [`Settle`] can be decorated: nothing depends on which implementation is behind them.

pub mod amqp;
mod answers;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod delivery;
mod error;
mod inbox;
pub mod memory;
mod message;
mod queue;
mod tag;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

pub use answers::{ANSWERS_MAX, Answers};
pub use delivery::{Delivery, Settle};
pub use error::{BrokerError, HealthError, PublishError, RequestError};
pub use message::Envelope;
pub use queue::{DELIVERY_LIMIT, Depth, Queue, log_partition};
pub use tag::{ChannelId, DeliveryTag};

/// Connection to a broker, shared by the whole process.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Creates `queue` if it does not exist. Publishing to a queue that nobody declared is
    /// [`PublishError::Unroutable`].
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError>;

    /// Returns the depth of `queue`, or `None` if the queue does not exist.
    async fn depth(&self, queue: Queue) -> Result<Option<Depth>, BrokerError>;

    /// Returns once the broker has taken responsibility for the message. If it is cancelled or fails, the message may
    /// still have been taken.
    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError>;

    /// Declares `queue` and takes messages from it, with at most `prefetch` unsettled at once. The subscription
    /// recovers by itself when its connection or channel is lost.
    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError>;

    /// Sends to every process that listens now. The message is not kept for others.
    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError>;

    /// Listens to all broadcasts from now on. After a reconnection some may have been missed, and the listener then
    /// returns [`Heard::Gap`].
    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError>;

    /// Sends a request to whichever process takes from [`Queue::Requests`], and waits for its answer
    /// ([`Delivery::reply`]).
    async fn request(&self, message: Envelope, timeout: Duration) -> Result<Envelope, RequestError>;

    /// Sends a request to whichever process takes from `queue`, which may answer many times ([`Delivery::reply`]).
    /// Returns once the broker has taken the request, or [`RequestError::NobodyTakes`]. It does not declare `queue`. The
    /// caller bounds the number of requests that wait.
    async fn request_stream(&self, queue: Queue, message: Envelope)
    -> Result<Box<dyn Answers>, RequestError>;

    /// Returns the answers to requests of this process for which nobody waits any more, from now on, so that whoever sends
    /// them can be told. There are none if [`Delivery::reply`] tells it. A process has one reader: a later one takes the
    /// place of the one before, which then ends.
    async fn stray_answers(&self) -> Result<Box<dyn Answers>, BrokerError>;

    /// Returns true if the process with this [`Listener::presence`] is connected. One that dies is gone at once, and one
    /// that is frozen when the broker misses its heartbeats.
    async fn is_present(&self, presence: &str) -> Result<bool, BrokerError>;

    /// Returns an error with the reason if messages cannot be published now.
    fn health(&self) -> Result<(), HealthError>;

    /// Ends all subscriptions and connections, after pending writes.
    async fn close(&self);
}

/// A stream of deliveries from one queue.
#[async_trait]
pub trait Subscription: Send {
    /// Returns the next delivery, or `None` after [`Subscription::stop`] or after the broker was closed. Cancel safe.
    async fn next(&mut self) -> Option<Delivery>;

    /// Sets the number of deliveries that may be unsettled at once. With zero, no further messages are taken, so they
    /// are left to other subscriptions. Deliveries that were already taken stay with this subscription.
    ///
    /// Lower it no more often than needed: messages that the broker has already sent here are returned to the queue,
    /// and `RabbitMQ` before 4.3 counts that as a delivery, so that they come as possible copies.
    async fn set_prefetch(&mut self, prefetch: u16);

    /// Acks `last` and every earlier delivery of this subscription that is still unsettled. Does nothing if `last` is
    /// already settled, is of another subscription, or came on a channel that was lost.
    async fn ack_through(&mut self, last: Delivery) -> Result<(), BrokerError>;

    /// Takes no further messages, and requeues the buffered ones that `next` has not returned. Deliveries that `next`
    /// has returned can still be settled while the subscription lives.
    async fn stop(&mut self);
}

/// An item of a [`Listener`].
#[derive(Debug)]
pub enum Heard {
    Message(Envelope),
    /// Broadcasts may have been missed, because the connection was lost for a while or the listener was too slow. Read
    /// their effects from the store.
    Gap,
}

#[async_trait]
pub trait Listener: Send {
    /// Returns the next broadcast or gap, or `None` after the broker was closed. Cancel safe.
    async fn next(&mut self) -> Option<Heard>;

    /// Returns the name by which [`Broker::is_present`] knows this process while it listens. Each reconnection changes it.
    fn presence(&self) -> String;
}

/// A broker, as services share it.
pub type SharedBroker = Arc<dyn Broker>;
