use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::Envelope;

/// Who waits for the answer to a request, until it is given.
#[derive(Clone)]
pub(super) struct Asker(Arc<Mutex<Option<oneshot::Sender<Envelope>>>>);

impl Asker {
    pub fn new() -> (Self, oneshot::Receiver<Envelope>) {
        let (asker, answer) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(asker)))), answer)
    }

    /// The first answer counts; an asker that has gone is not missed.
    pub fn answer(&self, answer: Envelope) {
        if let Some(asker) = self.lock().take() {
            let _gone = asker.send(answer);
        }
    }

    pub fn has_gone(&self) -> bool {
        self.lock().as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<oneshot::Sender<Envelope>>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
