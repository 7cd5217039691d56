use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::{
    Answers, Envelope,
    answers::{AnswerReceiver, AnswerSender, answers},
};

/// Sends the answers to a request to its requester.
#[derive(Clone)]
pub(super) struct ReplyTo(Arc<Mutex<AnswerSender>>);

pub(super) struct MemoryAnswers(AnswerReceiver);

impl ReplyTo {
    pub fn new() -> (Self, MemoryAnswers) {
        let (sender, receiver) = answers();
        (Self(Arc::new(Mutex::new(sender))), MemoryAnswers(receiver))
    }

    /// Sends an answer. Returns false if its requester no longer waits.
    pub fn send(&self, answer: Envelope) -> bool {
        self.lock().send(answer)
    }

    pub fn close(&self) {
        self.lock().close();
    }

    /// Returns true if the requester no longer waits.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed()
    }

    fn lock(&self) -> MutexGuard<'_, AnswerSender> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

#[async_trait]
impl Answers for MemoryAnswers {
    async fn next(&mut self) -> Option<Envelope> {
        self.0.next().await
    }
}
