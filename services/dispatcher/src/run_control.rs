use std::sync::Arc;

use runmill_proto::{PauseCause, RunId, message::Control};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, RunRow, StoreError, Transition};
use tokio::sync::Notify;

use crate::announcer::Announcer;

/// Changes the state of runs and tells every process. Users, the reconciler and changes of a provider all use it.
#[derive(Clone)]
pub struct RunControl {
    pub store: Arc<dyn DispatcherStore>,
    pub announcer: Announcer,
    pub clock: Clock,
    /// Wakes the feeder.
    pub wake: Arc<Notify>,
}

/// Reason why the failed jobs of a run are not tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("the provider of run {0} was deleted; submit a new run with another provider")]
    ProviderDeleted(RunId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RunControl {
    /// Makes the transition and returns the run as it is afterwards.
    pub async fn apply(&self, id: RunId, transition: Transition) -> Result<RunRow, StoreError> {
        let row = self.store.transition(id, transition.clone(), self.clock.now()).await?;
        tracing::info!(event = "run.steered", run_id = %id, ?transition);
        self.announcer.announce(control(id, &transition)).await;
        self.wake.notify_one();
        Ok(row)
    }

    /// Makes the failed jobs of an ended run due again, if its provider still exists.
    pub async fn retry_failed(&self, id: RunId) -> Result<RunRow, RetryError> {
        let run = self.store.run(id).await?;
        if let Err(StoreError::NotFound { .. }) = self.store.provider(run.submission.provider_id).await {
            return Err(RetryError::ProviderDeleted(id));
        }
        Ok(self.apply(id, Transition::RetryFailed).await?)
    }

    /// Resumes a run whose budget was changed, if it was paused because its budget was used up. If the new one is used
    /// up, too, the run is paused again.
    #[expect(dead_code, reason = "no request changes a budget yet")]
    pub async fn after_budget_change(&self, id: RunId) -> Result<(), StoreError> {
        self.apply_if_possible(id, Transition::ResumeAfterBudget { cause: PauseCause::Budget }).await
    }

    /// Makes a transition that no user requested. Does nothing if another process has made it, or if a user has
    /// changed the run since.
    pub async fn apply_if_possible(&self, id: RunId, transition: Transition) -> Result<(), StoreError> {
        match self.apply(id, transition).await {
            Err(StoreError::Conflict(_)) => Ok(()),
            done => done.map(drop),
        }
    }
}

const fn control(run_id: RunId, transition: &Transition) -> Control {
    match transition {
        Transition::Cancel => Control::RunCanceled { run_id },
        Transition::Pause { .. } | Transition::PauseFailing { .. } => Control::RunPaused { run_id },
        Transition::Resume
        | Transition::ResumeByItself
        | Transition::ResumeAfterChange
        | Transition::ResumeAfterBudget { .. }
        | Transition::RetryFailed
        | Transition::Recover => Control::RunResumed { run_id },
    }
}
