use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::Notify;

use super::asker::Asker;
use crate::{Envelope, PublishError};

/// A message on its way, with what is known of its past.
#[derive(Clone)]
pub(super) struct Parcel {
    pub message: Envelope,
    /// How often it was returned.
    pub returns: u32,
    pub asker: Option<Asker>,
}

impl Parcel {
    pub fn new(message: Envelope) -> Self {
        Self { message, returns: 0, asker: None }
    }

    pub fn request(message: Envelope, asker: Asker) -> Self {
        Self { message, returns: 0, asker: Some(asker) }
    }

    /// A request is worth nothing once its asker stopped waiting.
    fn is_stale(&self) -> bool {
        self.asker.as_ref().is_some_and(Asker::has_gone)
    }
}

pub(super) struct Bounds {
    /// Of the messages that nobody holds.
    pub length_max: usize,
    /// `None`: returned for ever.
    pub returns_max: Option<u32>,
    /// Whether a message returned too often becomes a dead letter.
    pub keeps_spent: bool,
}

/// Names a holder of one queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct HolderId(u64);

/// One queue: messages that wait, in order, and messages that someone holds.
pub(super) struct MemoryQueue {
    bounds: Bounds,
    /// `None`: this is the queue of the dead letters.
    dead: Option<Arc<MemoryQueue>>,
    state: Mutex<State>,
    /// Something that a waiting holder may care for.
    pub changed: Notify,
}

#[derive(Default)]
struct State {
    /// By place in the queue, which a message keeps when it is returned.
    waiting: BTreeMap<u64, Parcel>,
    holders: HashMap<HolderId, Holder>,
    place_next: u64,
    holder_next: u64,
    closed: bool,
}

#[derive(Default)]
struct Holder {
    prefetch: u16,
    stopped: bool,
    tag_next: u64,
    /// By tag, which counts this holder's deliveries; with the place in the queue.
    unsettled: BTreeMap<u64, (u64, Parcel)>,
}

/// What a holder gets when it asks for the next message.
pub(super) enum Next {
    Message { tag: u64, parcel: Parcel },
    Nothing,
    Ended,
}

impl MemoryQueue {
    pub fn new(bounds: Bounds, dead: Option<Arc<MemoryQueue>>) -> Self {
        Self { bounds, dead, state: Mutex::default(), changed: Notify::new() }
    }

    pub fn put(&self, parcel: Parcel) -> Result<(), PublishError> {
        let mut state = self.lock();
        if state.waiting.len() >= self.bounds.length_max {
            return Err(PublishError::Rejected);
        }
        let place = state.place_next;
        state.place_next += 1;
        state.waiting.insert(place, parcel);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    pub fn join(&self, prefetch: u16) -> HolderId {
        let mut state = self.lock();
        let id = HolderId(state.holder_next);
        state.holder_next += 1;
        state.holders.insert(id, Holder { prefetch, ..Holder::default() });
        id
    }

    /// Its unsettled messages are returned, in order.
    pub fn leave(&self, id: HolderId) {
        let mut state = self.lock();
        let left = state.holders.remove(&id).map(|holder| holder.unsettled).unwrap_or_default();
        let spent = left.into_values().filter_map(|held| state.put_back(held, &self.bounds)).collect();
        drop(state);
        self.bury(spent);
        self.changed.notify_waiters();
    }

    pub fn next(&self, id: HolderId) -> Next {
        let state = &mut *self.lock();
        let Some(holder) = state.holders.get_mut(&id) else { return Next::Ended };
        if state.closed || holder.stopped {
            return Next::Ended;
        }
        if holder.unsettled.len() >= usize::from(holder.prefetch) {
            return Next::Nothing;
        }
        while let Some((place, parcel)) = state.waiting.pop_first() {
            if parcel.is_stale() {
                continue;
            }
            let tag = holder.tag_next;
            holder.tag_next += 1;
            holder.unsettled.insert(tag, (place, parcel.clone()));
            return Next::Message { tag, parcel };
        }
        Next::Nothing
    }

    pub fn set_prefetch(&self, id: HolderId, prefetch: u16) {
        if let Some(holder) = self.lock().holders.get_mut(&id) {
            holder.prefetch = prefetch;
        }
        self.changed.notify_waiters();
    }

    pub fn stop(&self, id: HolderId) {
        if let Some(holder) = self.lock().holders.get_mut(&id) {
            holder.stopped = true;
        }
        self.changed.notify_waiters();
    }

    /// Forgets a message; one that is no longer held is none of the holder's business.
    pub fn ack(&self, id: HolderId, tag: u64) {
        self.lock().take(id, tag);
        self.changed.notify_waiters();
    }

    pub fn ack_through(&self, id: HolderId, tag: u64) {
        if let Some(holder) = self.lock().holders.get_mut(&id) {
            holder.unsettled = holder.unsettled.split_off(&(tag + 1));
        }
        self.changed.notify_waiters();
    }

    pub fn put_back(&self, id: HolderId, tag: u64) {
        let mut state = self.lock();
        let spent = state.take(id, tag).and_then(|held| state.put_back(held, &self.bounds));
        drop(state);
        self.bury(spent.into_iter().collect());
        self.changed.notify_waiters();
    }

    /// Moves a message to the dead letters; if they are full, it stays where it is.
    pub fn dead_letter(&self, id: HolderId, tag: u64, reason: &str) -> Result<(), PublishError> {
        let Some(message) = self.held(id, tag) else { return Ok(()) };
        let letter = Envelope { reason: Some(reason.to_owned()), ..message };
        self.dead.as_deref().unwrap_or(self).put(Parcel::new(letter))?;
        self.ack(id, tag);
        Ok(())
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_waiters();
    }

    /// The broker of a cluster keeps such a message where it is until the dead letters have room; here the
    /// log is all that is left of it.
    fn bury(&self, spent: Vec<Parcel>) {
        let Some(dead) = self.dead.as_deref().filter(|_| self.bounds.keeps_spent) else { return };
        for parcel in spent {
            let message = Envelope { reason: Some("delivery_limit".into()), ..parcel.message };
            let id = message.id;
            if let Err(error) = dead.put(Parcel::new(message)) {
                tracing::error!(message.id = %id, %error, "dead letter lost");
            }
        }
    }

    fn held(&self, id: HolderId, tag: u64) -> Option<Envelope> {
        let state = self.lock();
        let (_, parcel) = state.holders.get(&id)?.unsettled.get(&tag)?;
        Some(parcel.message.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl State {
    fn take(&mut self, id: HolderId, tag: u64) -> Option<(u64, Parcel)> {
        self.holders.get_mut(&id)?.unsettled.remove(&tag)
    }

    /// Counts the return; gives the message out if that was one too many.
    fn put_back(&mut self, (place, mut parcel): (u64, Parcel), bounds: &Bounds) -> Option<Parcel> {
        parcel.returns += 1;
        if bounds.returns_max.is_some_and(|max| parcel.returns > max) {
            return Some(parcel);
        }
        self.waiting.insert(place, parcel);
        None
    }
}
