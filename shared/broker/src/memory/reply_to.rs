use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::Envelope;

/// Sends the answer to a request to its requester, once.
#[derive(Clone)]
pub(super) struct ReplyTo(Arc<Mutex<Option<oneshot::Sender<Envelope>>>>);

impl ReplyTo {
    pub fn new() -> (Self, oneshot::Receiver<Envelope>) {
        let (requester, answer) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(requester)))), answer)
    }

    /// Sends the first answer. Later answers are dropped, and so is one whose requester no longer waits.
    pub fn send(&self, answer: Envelope) {
        if let Some(requester) = self.lock().take() {
            let _gave_up = requester.send(answer);
        }
    }

    /// Returns true if the answer was sent or the requester no longer waits.
    pub fn is_closed(&self) -> bool {
        self.lock().as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<oneshot::Sender<Envelope>>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
