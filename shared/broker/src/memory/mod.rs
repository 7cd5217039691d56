//! The broker within this process, with the semantics of the one over RabbitMQ. No message survives the process;
//! after a restart, lost jobs are fed again from the store.

mod queue;
mod reply_to;
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
    queue::{Bounds, MemoryQueue, QueuedMessage},
    reply_to::ReplyTo,
    subscription::MemorySubscription,
};
use crate::{
    Answers, Broker, BrokerError, DELIVERY_LIMIT, Depth, Envelope, HealthError, Heard, Listener,
    PublishError, Queue, RequestError, Subscription, inbox::Inbox,
};

#[derive(Clone, Debug)]
pub struct MemorySettings {
    /// Number of ready messages at which a queue rejects more.
    pub queue_length_max: usize,
    /// Size in bytes of the largest message that a queue takes.
    pub message_size_max: u64,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { queue_length_max: 100_000, message_size_max: u64::MAX }
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
    /// Keeps the reader of stray answers waiting. There are none, because each answerer is told.
    strays: Option<ReplyTo>,
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

    fn put(&self, queue: Queue, queued: QueuedMessage) -> Result<(), PublishError> {
        let (size, max) = (queued.message.body.len() as u64, self.settings.message_size_max);
        if size > max {
            return Err(PublishError::TooLarge { size, max });
        }
        let state = self.lock();
        if state.closed {
            return Err(BrokerError::Closed.into());
        }
        let found = state.queues.get(&queue).cloned();
        drop(state);
        match found {
            Some(queue) => queue.put(queued),
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
            Bounds { length_max, delivery_limit: queue.has_dead_letters().then_some(DELIVERY_LIMIT) };
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

    async fn depth(&self, queue: Queue) -> Result<Option<Depth>, BrokerError> {
        let state = self.lock();
        if state.closed {
            return Err(BrokerError::Closed);
        }
        Ok(state.queues.get(&queue).map(|queue| queue.depth()))
    }

    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError> {
        self.put(queue, QueuedMessage::new(Envelope { reason: None, ..message }))
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
        let (reply_to, mut answers) = ReplyTo::new();
        self.put(Queue::Requests, QueuedMessage::request(message, reply_to))?;
        match time::timeout(timeout, answers.next()).await {
            Ok(Some(answer)) => Ok(answer),
            // The request was dropped without an answer, or no answer came in time.
            Ok(None) | Err(_) => Err(RequestError::NoAnswer(timeout)),
        }
    }

    async fn request_stream(
        &self,
        queue: Queue,
        message: Envelope,
    ) -> Result<Box<dyn Answers>, RequestError> {
        let (reply_to, answers) = ReplyTo::new();
        if self.depth(queue).await.map_err(PublishError::from)?.is_none_or(|depth| depth.consumers == 0) {
            return Err(RequestError::NobodyTakes(format!("{queue:?}")));
        }
        self.put(queue, QueuedMessage::request(message, reply_to)).map_err(RequestError::of_publish)?;
        Ok(Box::new(answers))
    }

    async fn stray_answers(&self) -> Result<Box<dyn Answers>, BrokerError> {
        let mut state = self.lock();
        if state.closed {
            return Err(BrokerError::Closed);
        }
        let (strays, answers) = ReplyTo::new();
        state.strays = Some(strays);
        Ok(Box::new(answers))
    }

    async fn is_present(&self, presence: &str) -> Result<bool, BrokerError> {
        Ok(self
            .lock()
            .listeners
            .iter()
            .any(|inbox| inbox.upgrade().is_some_and(|inbox| name(&inbox) == presence)))
    }

    fn health(&self) -> Result<(), HealthError> {
        if self.lock().closed { Err(HealthError::Closed) } else { Ok(()) }
    }

    async fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.strays = None;
        for queue in state.queues.values() {
            queue.close();
        }
        for listener in state.listeners.drain(..).filter_map(|listener| listener.upgrade()) {
            listener.close();
        }
    }
}

struct MemoryListener(Arc<Inbox>);

/// Returns a name of the inbox that no other has while it exists.
fn name(inbox: &Arc<Inbox>) -> String {
    format!("{:p}", Arc::as_ptr(inbox))
}

#[async_trait]
impl Listener for MemoryListener {
    async fn next(&mut self) -> Option<Heard> {
        self.0.next().await
    }

    fn presence(&self) -> String {
        name(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use runmill_proto::ProviderId;
    use uuid::Uuid;

    use super::*;
    use crate::conformance;

    fn broker() -> MemoryBroker {
        MemoryBroker::with_settings(MemorySettings {
            queue_length_max: conformance::QUEUE_LENGTH_MAX,
            ..MemorySettings::default()
        })
    }

    crate::broker_conformance!(std::future::ready(broker()));

    #[tokio::test]
    async fn a_message_that_is_too_large_is_refused_alone() {
        let message_size_max = conformance::MESSAGE_SIZE_MAX;
        let settings = MemorySettings { message_size_max, ..MemorySettings::default() };
        conformance::a_message_that_is_too_large_is_refused_alone(&MemoryBroker::with_settings(settings))
            .await;
    }

    #[tokio::test]
    async fn a_requester_that_has_gone_no_longer_waits() {
        let (broker, queue) = (broker(), Queue::Calls(ProviderId::from_uuid(Uuid::now_v7())));
        let mut calls = broker.subscribe(queue, 1).await.unwrap();
        let message = Envelope {
            id: Uuid::now_v7(),
            message_type: "test.v1".into(),
            body: Bytes::new(),
            traceparent: None,
            reason: None,
        };
        let answers = broker.request_stream(queue, message.clone()).await.unwrap();
        let call = calls.next().await.unwrap();
        assert!(call.reply(message.clone()).await.unwrap());

        drop(answers);

        assert!(!call.reply(message).await.unwrap());
    }
}
