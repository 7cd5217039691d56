use std::sync::Arc;

use runmill_broker::{Envelope, RequestError, SharedBroker};
use runmill_proto::{ProviderId, api::SmokeTestReport, message::SmokeTest};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{UseCaseError, model_fault},
    executors,
};

/// Has an executor try a model of a provider.
#[derive(Clone)]
pub struct SmokeTesting {
    pub store: Arc<dyn DispatcherStore>,
    pub broker: SharedBroker,
    pub clock: Clock,
    /// Ends a test that waits for its answer.
    pub stop: CancellationToken,
}

/// Reason why a smoke test has no report.
#[derive(Debug, thiserror::Error)]
pub enum SmokeTestFailure {
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
    #[error("no heartbeat came in the last ten seconds")]
    NoneAlive,
    #[error("no answer came within the time limit")]
    NoAnswer,
    #[error("the request could not be sent")]
    NotSent,
}

impl SmokeTesting {
    pub async fn test(&self, id: ProviderId, model: String) -> Result<SmokeTestReport, SmokeTestFailure> {
        self.check(id, &model).await?;
        if !self.is_executor_alive().await? {
            return Err(SmokeTestFailure::NoExecutor(NoExecutor::NoneAlive));
        }
        let question = Envelope::new(&SmokeTest { provider_id: id, model });
        // The answer may take longer than the drain of this process, so the test ends at its stop; the caller can
        // repeat it at another server.
        let asking = self.stop.run_until_cancelled(self.broker.request(question, SmokeTest::ANSWERED_WITHIN));
        let answer = asking.await.ok_or(SmokeTestFailure::Stopping)?.map_err(|error| {
            tracing::warn!(event = "smoke_test.unanswered", provider_id = %id, %error);
            SmokeTestFailure::NoExecutor(match error {
                RequestError::NoAnswer(_) => NoExecutor::NoAnswer,
                RequestError::Publish(_) => NoExecutor::NotSent,
            })
        })?;
        answer.decode().map_err(|error| {
            tracing::error!(event = "smoke_test.unreadable", provider_id = %id, %error);
            SmokeTestFailure::Unreadable
        })
    }

    async fn check(&self, id: ProviderId, model: &str) -> Result<(), UseCaseError> {
        self.store.provider(id).await?;
        UseCaseError::if_any(model_fault(model).into_iter().collect())
    }

    /// Returns false if all executors are draining, too: they take no new requests.
    async fn is_executor_alive(&self) -> Result<bool, UseCaseError> {
        let alive = executors::alive(&*self.store, &self.clock).await?;
        Ok(alive.iter().any(|executor| !executor.draining))
    }
}

impl From<StoreError> for SmokeTestFailure {
    fn from(error: StoreError) -> Self {
        Self::Request(error.into())
    }
}
