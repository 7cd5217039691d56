use std::time::Duration;

use runmill_broker::{Envelope, RequestError, SharedBroker};
use runmill_proto::codec::Message;
use runmill_store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::{error::UseCaseError, scaling::Starting};

/// Asks any executor a question that a user waits for.
#[derive(Clone)]
pub struct Asking {
    pub broker: SharedBroker,
    pub starting: Starting,
    /// Ends a question that waits for its answer.
    pub stop: CancellationToken,
}

/// Reason why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskFailure {
    #[error(transparent)]
    Request(#[from] UseCaseError),
    #[error("no executor answers: {0}; start one, or see `GET /executors`")]
    NoExecutor(NoExecutor),
    #[error("this server is stopping; try again in a few seconds")]
    Stopping,
    #[error("the executor's answer could not be read; run dispatchers and executors of the same version")]
    Unreadable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoExecutor {
    #[error("none is alive, and none started while the request was held")]
    NoneAlive,
    #[error("no answer came within the time limit")]
    NoAnswer,
    #[error("the request could not be sent")]
    NotSent,
}

impl Asking {
    /// Sends the question and returns the answer. Neither is logged. Waits for the first executor of a fleet that starts
    /// from zero; the time that its answer may take, `within`, begins after that.
    pub async fn ask<Q: Message, A: Message>(&self, question: &Q, within: Duration) -> Result<A, AskFailure> {
        let _counts_as_work = self.starting.request();
        // An executor that drains takes no new requests.
        let taken = self.stop.run_until_cancelled(self.starting.requests_are_taken()).await;
        if !taken.ok_or(AskFailure::Stopping)?? {
            return Err(AskFailure::NoExecutor(NoExecutor::NoneAlive));
        }
        // The answer may take longer than the drain of this process, so the question ends at its stop; the caller can
        // repeat it at another server.
        let asking = self.broker.request(Envelope::new(question), within);
        let asking = self.stop.run_until_cancelled(asking);
        let answer = asking.await.ok_or(AskFailure::Stopping)?.map_err(|error| {
            tracing::warn!(event = "request.unanswered", message_type = Q::TYPE, %error);
            AskFailure::NoExecutor(match error {
                RequestError::NoAnswer(_) => NoExecutor::NoAnswer,
                RequestError::NobodyTakes(_) | RequestError::Publish(_) => NoExecutor::NotSent,
            })
        })?;
        answer.decode().map_err(|error| {
            tracing::error!(event = "request.answer_unreadable", message_type = Q::TYPE, %error);
            AskFailure::Unreadable
        })
    }
}

impl From<StoreError> for AskFailure {
    fn from(error: StoreError) -> Self {
        Self::Request(error.into())
    }
}
