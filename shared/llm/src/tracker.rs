use std::sync::{Arc, Mutex, MutexGuard};

use runmill_pricing::Seller;
use tokio::{sync::Notify, time::Instant};

use crate::{Metered, keys::KeyAvailability};

/// Follows one attempt: inner layers record its events, outer layers read its [`AttemptState`], also after the
/// attempt was dropped.
///
/// Recording an event takes an uncontended lock, some tens of nanoseconds, which is cheaper than resetting a timer
/// for each chunk.
#[derive(Debug, Default)]
pub(crate) struct AttemptTracker {
    state: Mutex<AttemptState>,
    /// Notified when the head of an answer with a status of 2xx has arrived.
    accepted: Notify,
    /// Notified when the attempt no longer waits for another call.
    waited: Notify,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AttemptState {
    /// Time at which the attempt got its slot and its time limits started. `None` if it got no slot.
    pub began: Option<Instant>,
    /// True while the attempt waits for another call that finds the form, which is not the provider's time.
    pub waits: bool,
    /// Time at which the attempt's last request was sent. `None` if no request was made.
    pub sent: Option<Instant>,
    /// True if the answer is a stream, or is expected to be one.
    pub streamed: bool,
    /// HTTP status of the answer to the last request.
    pub status: Option<u16>,
    pub first_token: Option<Instant>,
    /// True if a part of the answer was given to the caller, so that no other answer can take its place.
    pub delivered: bool,
    /// Time at which the last bytes of the answer arrived.
    pub last_chunk: Option<Instant>,
    /// Counts of the provider so far.
    pub usage: Metered,
    /// Label of the key that is used.
    pub key: Option<Arc<str>>,
    /// Seller whose prices apply.
    pub seller: Option<Seller>,
    /// Availability of keys for the next attempt.
    pub availability: KeyAvailability,
}

impl AttemptState {
    /// Returns true if the head of an answer with a status of 2xx has arrived.
    pub fn has_head(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl AttemptTracker {
    /// Returns a copy of the present state.
    pub fn state(&self) -> AttemptState {
        self.lock().clone()
    }

    pub fn began(&self) {
        self.lock().began.get_or_insert_with(Instant::now);
    }

    /// Records that the attempt waits for another call. Its time limits start anew when it has waited.
    pub fn waits(&self) {
        self.lock().waits = true;
    }

    pub fn has_waited(&self) {
        let mut state = self.lock();
        state.waits = false;
        state.began = Some(Instant::now());
        drop(state);
        self.waited.notify_one();
    }

    /// Waits until the attempt no longer waits for another call. Cancel safe.
    pub async fn wait_ended(&self) {
        self.waited.notified().await;
    }

    /// Waits for the head of an answer with a status of 2xx. Cancel safe.
    pub async fn accepted(&self) {
        self.accepted.notified().await;
    }

    /// Replaces the records of the last request by those of an earlier one, whose answer is used.
    pub fn restore(&self, state: AttemptState) {
        *self.lock() = state;
    }

    /// Records that a request is sent. Discards the records of an earlier request of the same attempt.
    pub fn sent(&self, streamed: bool) {
        let mut state = self.lock();
        let (key, seller) = (state.key.take(), state.seller);
        *state = AttemptState {
            began: state.began,
            sent: Some(Instant::now()),
            streamed,
            key,
            seller,
            delivered: state.delivered,
            ..AttemptState::default()
        };
    }

    /// Records that the head of an answer has arrived.
    pub fn answered(&self, status: u16, streamed: bool) {
        let mut state = self.lock();
        state.status = Some(status);
        state.streamed = streamed;
        drop(state);
        if (200..300).contains(&status) {
            self.accepted.notify_one();
        }
    }

    pub fn chunk(&self) {
        self.lock().last_chunk = Some(Instant::now());
    }

    pub fn token(&self) {
        self.lock().first_token.get_or_insert_with(Instant::now);
    }

    pub fn delivered(&self) {
        self.lock().delivered = true;
    }

    pub fn chosen(&self, key: &Arc<str>, seller: Seller) {
        let mut state = self.lock();
        state.key = Some(key.clone());
        state.seller = Some(seller);
    }

    pub fn availability(&self, availability: KeyAvailability) {
        self.lock().availability = availability;
    }

    pub fn usage(&self, usage: Metered) {
        self.lock().usage = usage;
    }

    fn lock(&self) -> MutexGuard<'_, AttemptState> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}
