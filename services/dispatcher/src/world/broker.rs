use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use runmill_broker::{
    Answers, Broker, BrokerError, Depth, Envelope, HealthError, Listener, PublishError, Queue, RequestError,
    Subscription, memory::MemoryBroker,
};

/// A broker in this process whose publishes can fail.
pub struct FaultyBroker {
    inner: MemoryBroker,
    faults: Mutex<Faults>,
}

#[derive(Default)]
struct Faults {
    published: usize,
    /// Numbers of the publishes that fail although the message is taken.
    lost_confirms: HashSet<usize>,
    too_large: bool,
    /// Queue whose publishes wait for ever.
    blocked: Option<Queue>,
}

impl FaultyBroker {
    pub fn new() -> Self {
        Self { inner: MemoryBroker::new(), faults: Mutex::default() }
    }

    /// Loses the confirm of the publish with this number, from 0.
    pub fn lose_confirm(&self, number: usize) {
        self.faults().lost_confirms.insert(number);
    }

    pub fn refuse_as_too_large(&self, refuse: bool) {
        self.faults().too_large = refuse;
    }

    pub fn block(&self, queue: Queue) {
        self.faults().blocked = Some(queue);
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap()
    }
}

#[async_trait]
impl Broker for FaultyBroker {
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError> {
        self.inner.declare(queue).await
    }

    async fn depth(&self, queue: Queue) -> Result<Option<Depth>, BrokerError> {
        self.inner.depth(queue).await
    }

    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError> {
        let (lost, blocked) = {
            let mut faults = self.faults();
            if faults.too_large {
                return Err(PublishError::TooLarge { size: 7, max: 5 });
            }
            let number = faults.published;
            faults.published += 1;
            (faults.lost_confirms.remove(&number), faults.blocked == Some(queue))
        };
        if blocked {
            std::future::pending::<()>().await;
        }
        self.inner.publish(queue, message).await?;
        if lost { Err(PublishError::TimedOut(Duration::from_secs(1))) } else { Ok(()) }
    }

    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        self.inner.subscribe(queue, prefetch).await
    }

    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError> {
        self.inner.broadcast(message).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError> {
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
