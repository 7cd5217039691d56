use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::Notify;

use super::reply_to::ReplyTo;
use crate::{ChannelId, DeliveryTag, Depth, Envelope, PublishError};

/// A message of a queue.
#[derive(Clone)]
pub(super) struct QueuedMessage {
    pub message: Envelope,
    /// Number of earlier deliveries.
    pub delivery_count: u32,
    /// Requester, if the message is a request.
    pub reply_to: Option<ReplyTo>,
}

impl QueuedMessage {
    pub fn new(message: Envelope) -> Self {
        Self { message, delivery_count: 0, reply_to: None }
    }

    pub fn request(message: Envelope, reply_to: ReplyTo) -> Self {
        Self { reply_to: Some(reply_to), ..Self::new(message) }
    }

    /// Returns true for a request whose requester no longer waits.
    fn is_stale(&self) -> bool {
        self.reply_to.as_ref().is_some_and(ReplyTo::is_closed)
    }
}

pub(super) struct Bounds {
    /// Number of ready messages at which the queue rejects more.
    pub length_max: usize,
    /// Number of deliveries from which on a message that failed becomes a dead letter. `None` means that it never does.
    pub delivery_limit: Option<u32>,
}

/// One queue: ready messages in order, and unacked ones by consumer.
pub(super) struct MemoryQueue {
    bounds: Bounds,
    /// Queue of dead letters. `None` if this is that queue.
    dead: Option<Arc<MemoryQueue>>,
    state: Mutex<State>,
    /// Notified when a waiting consumer may find something new.
    pub changed: Notify,
}

#[derive(Default)]
struct State {
    /// Messages by position. A message keeps its position when it is requeued.
    ready: BTreeMap<u64, QueuedMessage>,
    consumers: HashMap<ChannelId, Consumer>,
    position_next: u64,
    closed: bool,
}

#[derive(Default)]
struct Consumer {
    prefetch: u16,
    stopped: bool,
    /// Number of the next delivery to this consumer.
    number_next: u64,
    unacked: BTreeMap<u64, UnackedMessage>,
}

struct UnackedMessage {
    position: u64,
    queued: QueuedMessage,
}

/// The result of [`MemoryQueue::next`].
pub(super) enum Next {
    Message(DeliveryTag, QueuedMessage),
    Nothing,
    Ended,
}

impl MemoryQueue {
    pub fn new(bounds: Bounds, dead: Option<Arc<MemoryQueue>>) -> Self {
        Self { bounds, dead, state: Mutex::default(), changed: Notify::new() }
    }

    pub fn put(&self, queued: QueuedMessage) -> Result<(), PublishError> {
        let mut state = self.lock();
        if state.ready.len() >= self.bounds.length_max {
            return Err(PublishError::Rejected);
        }
        let position = state.position_next;
        state.position_next += 1;
        state.ready.insert(position, queued);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    pub fn depth(&self) -> Depth {
        let state = self.lock();
        let consumers = state.consumers.values().filter(|consumer| !consumer.stopped).count();
        Depth { ready: state.ready.len() as u64, consumers: consumers as u64 }
    }

    pub fn add_consumer(&self, prefetch: u16) -> ChannelId {
        let channel = ChannelId::unique();
        self.lock().consumers.insert(channel, Consumer { prefetch, ..Consumer::default() });
        channel
    }

    /// Removes a consumer and requeues its unacked messages.
    pub fn remove_consumer(&self, channel: ChannelId) {
        let mut state = self.lock();
        let unacked = state.consumers.remove(&channel).map(|consumer| consumer.unacked).unwrap_or_default();
        for unacked in unacked.into_values() {
            state.requeue(unacked);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    pub fn next(&self, channel: ChannelId) -> Next {
        let state = &mut *self.lock();
        let Some(consumer) = state.consumers.get_mut(&channel) else { return Next::Ended };
        if state.closed || consumer.stopped {
            return Next::Ended;
        }
        if consumer.unacked.len() >= usize::from(consumer.prefetch) {
            return Next::Nothing;
        }
        while let Some((position, queued)) = state.ready.pop_first() {
            if queued.is_stale() {
                continue;
            }
            let number = consumer.number_next;
            consumer.number_next += 1;
            consumer.unacked.insert(number, UnackedMessage { position, queued: queued.clone() });
            return Next::Message(DeliveryTag { channel, number }, queued);
        }
        Next::Nothing
    }

    pub fn set_prefetch(&self, channel: ChannelId, prefetch: u16) {
        if let Some(consumer) = self.lock().consumers.get_mut(&channel) {
            consumer.prefetch = prefetch;
        }
        self.changed.notify_waiters();
    }

    pub fn stop(&self, channel: ChannelId) {
        if let Some(consumer) = self.lock().consumers.get_mut(&channel) {
            consumer.stopped = true;
        }
        self.changed.notify_waiters();
    }

    /// Removes a message. Like all methods that settle, it does nothing if the message is no longer unacked.
    pub fn ack(&self, tag: DeliveryTag) {
        self.lock().take(tag);
        self.changed.notify_waiters();
    }

    pub fn ack_through(&self, tag: DeliveryTag) {
        if let Some(consumer) = self.lock().consumers.get_mut(&tag.channel) {
            consumer.unacked = consumer.unacked.split_off(&(tag.number + 1));
        }
        self.changed.notify_waiters();
    }

    pub fn requeue(&self, tag: DeliveryTag) {
        let mut state = self.lock();
        if let Some(unacked) = state.take(tag) {
            state.requeue(unacked);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Requeues a message that failed, or moves it to the dead letters at the delivery limit. If those are full, it is
    /// requeued.
    pub fn requeue_as_failed(&self, tag: DeliveryTag) {
        let limit = self.bounds.delivery_limit;
        let failed =
            self.unacked(tag).is_some_and(|queued| limit.is_some_and(|max| queued.delivery_count >= max));
        if !failed || self.dead_letter(tag, "delivery_limit").is_err() {
            self.requeue(tag);
        }
    }

    /// Moves a message to the dead letters. If they are full, it stays unacked.
    pub fn dead_letter(&self, tag: DeliveryTag, reason: &str) -> Result<(), PublishError> {
        let Some(queued) = self.unacked(tag) else { return Ok(()) };
        let letter = Envelope { reason: Some(reason.to_owned()), ..queued.message };
        self.dead.as_deref().unwrap_or(self).put(QueuedMessage::new(letter))?;
        self.ack(tag);
        Ok(())
    }

    /// Ends the subscriptions, and the answers to the requests that are not settled.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let unacked = state.consumers.values().flat_map(|consumer| consumer.unacked.values());
        for queued in state.ready.values().chain(unacked.map(|unacked| &unacked.queued)) {
            if let Some(reply_to) = &queued.reply_to {
                reply_to.close();
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn unacked(&self, tag: DeliveryTag) -> Option<QueuedMessage> {
        let state = self.lock();
        let unacked = state.consumers.get(&tag.channel)?.unacked.get(&tag.number)?;
        Some(unacked.queued.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl State {
    fn take(&mut self, tag: DeliveryTag) -> Option<UnackedMessage> {
        self.consumers.get_mut(&tag.channel)?.unacked.remove(&tag.number)
    }

    /// Puts a message back at its position and counts the delivery.
    fn requeue(&mut self, unacked: UnackedMessage) {
        let UnackedMessage { position, mut queued } = unacked;
        queued.delivery_count += 1;
        self.ready.insert(position, queued);
    }
}
