//! The broker in this process, with the semantics of the other one. Nothing survives the process: the
//! store's cursors bring the work back.

mod asker;
mod queue;
mod settle;
mod subscription;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time;

use self::{
    asker::Asker,
    queue::{Bounds, MemoryQueue, Parcel},
    settle::MemorySettle,
    subscription::MemorySubscription,
};
use crate::{
    Broker, BrokerError, Delivery, Envelope, Heard, Listener, PublishError, Queue, RequestError,
    Subscription, inbox::Inbox,
};

#[derive(Clone, Debug)]
pub struct MemorySettings {
    /// A queue with so many messages that nobody holds takes no more.
    pub queue_length_max: usize,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { queue_length_max: 100_000 }
    }
}

#[derive(Default)]
pub struct MemoryBroker {
    settings: MemorySettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queues: HashMap<Queue, Arc<MemoryQueue>>,
    listeners: Vec<Weak<Inbox>>,
    closed: bool,
}

impl MemoryBroker {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_settings(settings: MemorySettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }

    fn declared(&self, queue: Queue) -> Result<Arc<MemoryQueue>, BrokerError> {
        let mut state = self.lock();
        if state.closed {
            return Err(BrokerError::Closed);
        }
        Ok(state.declare(queue, self.settings.queue_length_max))
    }

    fn put(&self, queue: Queue, parcel: Parcel) -> Result<(), PublishError> {
        let state = self.lock();
        if state.closed {
            return Err(BrokerError::Closed.into());
        }
        let found = state.queues.get(&queue).cloned();
        drop(state);
        match found {
            Some(queue) => queue.put(parcel),
            None => Err(PublishError::Unroutable(format!("{queue:?}"))),
        }
    }
}

impl State {
    fn declare(&mut self, queue: Queue, length_max: usize) -> Arc<MemoryQueue> {
        if let Some(known) = self.queues.get(&queue) {
            return known.clone();
        }
        let bounds =
            Bounds { length_max, returns_max: queue.returns_max(), keeps_spent: queue.keeps_spent() };
        let dead = (queue != Queue::Dead).then(|| self.declare(Queue::Dead, length_max));
        let made = Arc::new(MemoryQueue::new(bounds, dead));
        self.queues.insert(queue, made.clone());
        made
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError> {
        self.declared(queue).map(|_queue| ())
    }

    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError> {
        self.put(queue, Parcel::new(Envelope { reason: None, ..message }))
    }

    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        Ok(Box::new(MemorySubscription::new(self.declared(queue)?, prefetch)))
    }

    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError> {
        let mut state = self.lock();
        if state.closed {
            return Err(BrokerError::Closed.into());
        }
        state.listeners.retain(|listener| match listener.upgrade() {
            Some(inbox) => {
                inbox.push(message.clone());
                true
            }
            None => false,
        });
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError> {
        let mut state = self.lock();
        if state.closed {
            return Err(BrokerError::Closed);
        }
        let inbox = Arc::new(Inbox::default());
        state.listeners.push(Arc::downgrade(&inbox));
        Ok(Box::new(MemoryListener(inbox)))
    }

    async fn request(&self, message: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        self.declared(Queue::Requests).map_err(PublishError::from)?;
        let (asker, answer) = Asker::new();
        self.put(Queue::Requests, Parcel::request(message, asker))?;
        match time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            // The request was thrown away, or nobody came.
            Ok(Err(_)) | Err(_) => Err(RequestError::NoAnswer(timeout)),
        }
    }

    async fn reply(&self, to: &Delivery, answer: Envelope) -> Result<(), PublishError> {
        if let Some(settle) = to.settle().as_any().downcast_ref::<MemorySettle>() {
            settle.answer(answer);
        }
        Ok(())
    }

    fn health(&self) -> Result<(), String> {
        if self.lock().closed { Err(BrokerError::Closed.to_string()) } else { Ok(()) }
    }

    async fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for queue in state.queues.values() {
            queue.close();
        }
        for listener in state.listeners.drain(..).filter_map(|listener| listener.upgrade()) {
            listener.close();
        }
    }
}

struct MemoryListener(Arc<Inbox>);

#[async_trait]
impl Listener for MemoryListener {
    async fn next(&mut self) -> Option<Heard> {
        self.0.next().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    fn broker() -> MemoryBroker {
        MemoryBroker::with_settings(MemorySettings { queue_length_max: conformance::QUEUE_LENGTH_MAX })
    }

    crate::broker_conformance!(std::future::ready(broker()));
}
