use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::Envelope;

/// Answers to one request ([`Broker::request_stream`](crate::Broker::request_stream)). When this is dropped, no more
/// are expected.
#[async_trait]
pub trait Answers: Send {
    /// Returns the next answer, in the order in which they were sent, or `None` if no more come: some may have been
    /// lost with a connection, the reader was more than [`ANSWERS_MAX`] answers behind, the request was settled, or the
    /// broker was closed. `RabbitMQ` does not tell that a request was settled, so the last answer must be known by what
    /// it says. Cancel safe.
    async fn next(&mut self) -> Option<Envelope>;
}

/// Number of answers to one request that wait for their reader. One that comes when so many wait ends the answers.
pub const ANSWERS_MAX: usize = 1024;

/// Passes answers to the [`Answers`] of one requester.
pub(crate) struct AnswerSender(Option<mpsc::Sender<Envelope>>);

pub(crate) struct AnswerReceiver(mpsc::Receiver<Envelope>);

pub(crate) fn answers() -> (AnswerSender, AnswerReceiver) {
    let (sender, receiver) = mpsc::channel(ANSWERS_MAX);
    (AnswerSender(Some(sender)), AnswerReceiver(receiver))
}

impl AnswerSender {
    /// Passes an answer on. Returns false if the requester no longer waits, or ends because it reads too slowly.
    pub fn send(&mut self, answer: Envelope) -> bool {
        let sent = self.0.as_ref().is_some_and(|sender| sender.try_send(answer).is_ok());
        if !sent {
            self.close();
        }
        sent
    }

    /// Ends the answers after those that wait.
    pub fn close(&mut self) {
        self.0 = None;
    }

    /// Returns true if no answer can be sent any more.
    pub fn is_closed(&self) -> bool {
        self.0.as_ref().is_none_or(mpsc::Sender::is_closed)
    }
}

impl AnswerReceiver {
    pub async fn next(&mut self) -> Option<Envelope> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Envelope {
        Envelope {
            id: uuid::Uuid::now_v7(),
            message_type: "test.v1".into(),
            body: bytes::Bytes::new(),
            traceparent: None,
            reason: None,
        }
    }

    #[tokio::test]
    async fn answers_end_after_those_that_wait_when_their_reader_is_too_slow() {
        let (mut sender, mut receiver) = answers();
        for _ in 0..ANSWERS_MAX {
            assert!(sender.send(answer()));
        }

        assert!(!sender.send(answer()));

        assert!(sender.is_closed() && !sender.send(answer()));
        for _ in 0..ANSWERS_MAX {
            assert!(receiver.next().await.is_some());
        }
        assert!(receiver.next().await.is_none());
    }
}
