use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use tokio::sync::Notify;

use crate::{Envelope, Heard};

/// Broadcasts that one listener has not received yet. To bound memory, a listener that lags too far loses them all
/// and receives [`Heard::Gap`] instead: broadcasts are only hints to read the store.
#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    unheard: VecDeque<Envelope>,
    gap: bool,
    closed: bool,
}

impl Inbox {
    const UNHEARD_MAX: usize = 256;

    pub fn push(&self, message: Envelope) {
        let mut state = self.lock();
        if state.unheard.len() < Self::UNHEARD_MAX {
            state.unheard.push_back(message);
        } else {
            state.lose();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Tells the listener that it may have missed broadcasts.
    pub fn gap(&self) {
        self.lock().lose();
        self.changed.notify_one();
    }

    /// Ends the stream after the broadcasts that wait here.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Returns the next broadcast, or a gap (broadcasts may have been missed), or `None` after [`Inbox::close`]. Only
    /// one task at a time may wait here. Cancel safe.
    pub async fn next(&self) -> Option<Heard> {
        loop {
            {
                let mut state = self.lock();
                let heard = state.take();
                if heard.is_some() || state.closed {
                    return heard;
                }
            }
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl State {
    /// Replaces the waiting messages by a gap. A listener that then reads the store finds their effects there.
    fn lose(&mut self) {
        self.unheard.clear();
        self.gap = true;
    }

    fn take(&mut self) -> Option<Heard> {
        if std::mem::take(&mut self.gap) {
            return Some(Heard::Gap);
        }
        self.unheard.pop_front().map(Heard::Message)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;

    fn message(n: u128) -> Envelope {
        Envelope {
            id: Uuid::from_u128(n),
            message_type: "control.v1".into(),
            body: Bytes::new(),
            traceparent: None,
            reason: None,
        }
    }

    #[tokio::test]
    async fn a_listener_that_lags_is_told_of_the_gap_and_hears_what_follows() {
        let inbox = Inbox::default();
        for n in 0..=Inbox::UNHEARD_MAX as u128 {
            inbox.push(message(n));
        }
        inbox.push(message(1000));

        assert!(matches!(inbox.next().await, Some(Heard::Gap)));
        assert!(matches!(inbox.next().await, Some(Heard::Message(m)) if m.id == Uuid::from_u128(1000)));
    }

    #[tokio::test]
    async fn what_was_unheard_at_the_end_is_heard_before_it() {
        let inbox = Inbox::default();
        inbox.push(message(1));
        inbox.close();

        assert!(matches!(inbox.next().await, Some(Heard::Message(_))));
        assert!(inbox.next().await.is_none());
    }
}
