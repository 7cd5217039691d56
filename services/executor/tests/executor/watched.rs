use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runmill_broker::{
    Answers, Broker, BrokerError, Delivery, Depth, Envelope, HealthError, Listener, PublishError, Queue,
    RequestError, Settle, Subscription, memory::MemoryBroker,
};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// Event of a message. A job is identified by its message id.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Taken(Uuid),
    Acked(Uuid),
    Requeued(Uuid),
    Rejected(Uuid),
    DeadLettered(Uuid, String),
    /// A log that the broker confirmed.
    Published(Envelope),
    /// A log that the broker refused.
    Refused,
    /// Jobs could not be taken.
    NotSubscribed,
}

/// An in-memory broker that records all events in order.
pub struct WatchedBroker {
    pub inner: MemoryBroker,
    seen: mpsc::Sender<Seen>,
    /// Number of further logs that the broker refuses.
    refusals: AtomicU32,
    /// Number of further times that jobs cannot be taken.
    unsubscribable: AtomicU32,
    /// Size of the largest message.
    size_max: Arc<AtomicU64>,
    /// True while replies wait.
    held: watch::Sender<bool>,
    /// True while subscriptions to requests wait.
    requests_held: watch::Sender<bool>,
    /// True while listeners to control messages wait.
    control_held: watch::Sender<bool>,
}

impl WatchedBroker {
    pub fn new(refusals: u32) -> (Self, mpsc::Receiver<Seen>) {
        let (seen, receiver) = mpsc::channel(1_000);
        let broker = Self {
            inner: MemoryBroker::new(),
            seen,
            refusals: AtomicU32::new(refusals),
            unsubscribable: AtomicU32::new(0),
            size_max: Arc::new(AtomicU64::new(u64::MAX)),
            held: watch::Sender::new(false),
            requests_held: watch::Sender::new(false),
            control_held: watch::Sender::new(false),
        };
        (broker, receiver)
    }

    /// Refuses messages of more than `size_max` bytes from now on.
    pub fn limit(&self, size_max: u64) {
        self.size_max.store(size_max, Ordering::SeqCst);
    }

    /// Lets replies wait, or go on.
    pub fn hold_replies(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Lets subscriptions to requests wait, or go on.
    pub fn hold_requests(&self, held: bool) {
        self.requests_held.send_replace(held);
    }

    /// Lets listeners to control messages wait, or go on.
    pub fn hold_control(&self, held: bool) {
        self.control_held.send_replace(held);
    }

    /// Refuses the next `count` times that someone wants to take jobs.
    pub fn refuse_subscriptions(&self, count: u32) {
        self.unsubscribable.store(count, Ordering::SeqCst);
    }
}

fn check_size(message: &Envelope, size_max: &AtomicU64) -> Result<(), PublishError> {
    let (size, max) = (message.body.len() as u64, size_max.load(Ordering::SeqCst));
    if size > max { Err(PublishError::TooLarge { size, max }) } else { Ok(()) }
}

/// Takes one of a number of refusals. Returns false if none is left.
fn takes_one(refusals: &AtomicU32) -> bool {
    refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

async fn let_go(mut held: watch::Receiver<bool>) {
    // The sender may be gone at the end of a test.
    drop(held.wait_for(|held| !held).await);
}

/// The receiver may be gone at the end of a test.
fn tell(seen: &mpsc::Sender<Seen>, what: Seen) {
    let _ = seen.try_send(what);
}

#[async_trait]
impl Broker for WatchedBroker {
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError> {
        self.inner.declare(queue).await
    }

    async fn depth(&self, queue: Queue) -> Result<Option<Depth>, BrokerError> {
        self.inner.depth(queue).await
    }

    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError> {
        if takes_one(&self.refusals) {
            tell(&self.seen, Seen::Refused);
            return Err(PublishError::Rejected);
        }
        check_size(&message, &self.size_max).inspect_err(|_| tell(&self.seen, Seen::Refused))?;
        self.inner.publish(queue, message.clone()).await?;
        tell(&self.seen, Seen::Published(message));
        Ok(())
    }

    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        if matches!(queue, Queue::Jobs(_)) && takes_one(&self.unsubscribable) {
            tell(&self.seen, Seen::NotSubscribed);
            return Err(BrokerError::Refused { what: "a channel".into(), reason: "none is left".into() });
        }
        if queue == Queue::Requests {
            let_go(self.requests_held.subscribe()).await;
        }
        let inner = self.inner.subscribe(queue, prefetch).await?;
        let (seen, held, size_max) = (self.seen.clone(), self.held.subscribe(), self.size_max.clone());
        Ok(Box::new(WatchedSubscription { inner, seen, held, size_max }))
    }

    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError> {
        self.inner.broadcast(message).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError> {
        let_go(self.control_held.subscribe()).await;
        self.inner.listen().await
    }

    async fn request(&self, message: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        self.inner.request(message, timeout).await
    }

    async fn request_stream(
        &self,
        queue: Queue,
        message: Envelope,
    ) -> Result<Box<dyn Answers>, RequestError> {
        self.inner.request_stream(queue, message).await
    }

    async fn stray_answers(&self) -> Result<Box<dyn Answers>, BrokerError> {
        self.inner.stray_answers().await
    }

    async fn is_present(&self, presence: &str) -> Result<bool, BrokerError> {
        self.inner.is_present(presence).await
    }

    fn health(&self) -> Result<(), HealthError> {
        self.inner.health()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct WatchedSubscription {
    inner: Box<dyn Subscription>,
    seen: mpsc::Sender<Seen>,
    held: watch::Receiver<bool>,
    size_max: Arc<AtomicU64>,
}

#[async_trait]
impl Subscription for WatchedSubscription {
    async fn next(&mut self) -> Option<Delivery> {
        let delivery = self.inner.next().await?;
        let (id, seen, held) = (delivery.message.id, self.seen.clone(), self.held.clone());
        let size_max = self.size_max.clone();
        tell(&seen, Seen::Taken(id));
        Some(delivery.map_settle(|inner| Box::new(WatchedSettle { inner, id, seen, held, size_max })))
    }

    async fn set_prefetch(&mut self, prefetch: u16) {
        self.inner.set_prefetch(prefetch).await;
    }

    async fn ack_through(&mut self, _last: Delivery) -> Result<(), BrokerError> {
        unreachable!("an executor acks one by one")
    }

    async fn stop(&mut self) {
        self.inner.stop().await;
    }
}

struct WatchedSettle {
    inner: Box<dyn Settle>,
    id: Uuid,
    seen: mpsc::Sender<Seen>,
    held: watch::Receiver<bool>,
    size_max: Arc<AtomicU64>,
}

impl WatchedSettle {
    fn tell(&self, what: impl FnOnce(Uuid) -> Seen) {
        tell(&self.seen, what(self.id));
    }
}

#[async_trait]
impl Settle for WatchedSettle {
    async fn ack(&self) -> Result<(), BrokerError> {
        self.tell(Seen::Acked);
        self.inner.ack().await
    }

    async fn requeue(&self) -> Result<(), BrokerError> {
        self.tell(Seen::Requeued);
        self.inner.requeue().await
    }

    async fn requeue_as_failed(&self, message: &Envelope) -> Result<(), BrokerError> {
        self.tell(Seen::Rejected);
        self.inner.requeue_as_failed(message).await
    }

    async fn dead_letter(&self, message: &Envelope, reason: &str) -> Result<(), BrokerError> {
        self.tell(|id| Seen::DeadLettered(id, reason.to_owned()));
        self.inner.dead_letter(message, reason).await
    }

    async fn reply(&self, answer: Envelope) -> Result<bool, PublishError> {
        let_go(self.held.clone()).await;
        check_size(&answer, &self.size_max)?;
        self.inner.reply(answer).await
    }
}
