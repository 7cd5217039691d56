use std::{collections::BTreeSet, sync::Arc};

use runmill_proto::{
    ErrorKind, PauseCause, RunConfig, RunId,
    api::{Extension, RunPatch},
    message::Control,
};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, RunRow, StoreError, Transition};
use tokio::sync::Notify;

use crate::{announcer::Announcer, error::UseCaseError};

/// Changes the state of runs and tells every process. Users, the reconciler and changes of a provider all use it.
#[derive(Clone)]
pub struct RunControl {
    pub store: Arc<dyn DispatcherStore>,
    pub announcer: Announcer,
    pub clock: Clock,
    /// Wakes the feeder.
    pub wake: Arc<Notify>,
}

impl RunControl {
    /// Makes the transition and returns the run as it is afterwards.
    pub async fn apply(&self, id: RunId, transition: Transition) -> Result<RunRow, StoreError> {
        let row = self.store.transition(id, transition.clone(), self.clock.now()).await?;
        tracing::info!(event = "run.steered", run_id = %id, ?transition);
        if let Some(control) = control(&row, &transition) {
            self.announcer.announce(control).await;
        }
        self.wake.notify_one();
        Ok(row)
    }

    /// Makes the jobs of an ended run due again that failed with one of `kinds`, or all failed jobs if it is empty.
    pub async fn retry_failed(&self, id: RunId, kinds: BTreeSet<ErrorKind>) -> Result<RunRow, StoreError> {
        self.require_provider(id).await?;
        self.apply(id, Transition::RetryFailed { kinds }).await
    }

    /// Gives a run more samples. One that had ended goes on.
    pub async fn extend(&self, id: RunId, extension: Extension) -> Result<RunRow, UseCaseError> {
        let Extension { samples } = extension;
        UseCaseError::if_any(RunConfig::SAMPLES.fault("/samples", Some(samples)).into_iter().collect())?;
        self.require_provider(id).await?;
        Ok(self.apply(id, Transition::Extend { samples }).await?)
    }

    /// Changes settings of a run that has not ended.
    pub async fn change(&self, id: RunId, patch: RunPatch) -> Result<RunRow, UseCaseError> {
        UseCaseError::if_any(patch.faults())?;
        let has_budget = patch.budget.is_some();
        let run = self.apply(id, Transition::Change(patch)).await?;
        if has_budget { Ok(self.after_budget_change(run).await?) } else { Ok(run) }
    }

    /// Resumes the run if it is paused because its budget was used up.
    async fn after_budget_change(&self, run: RunRow) -> Result<RunRow, StoreError> {
        let resume = Transition::ResumeAfterBudget { cause: PauseCause::Budget };
        self.apply_if_possible(run.id, resume).await?;
        self.store.run(run.id).await
    }

    /// Returns a [`StoreError::Conflict`] if the provider of the run was deleted: no job of it could be done.
    async fn require_provider(&self, id: RunId) -> Result<(), StoreError> {
        let run = self.store.run(id).await?;
        match self.store.provider(run.submission.provider_id).await {
            Err(StoreError::NotFound { .. }) => Err(StoreError::Conflict(format!(
                "the provider of run {id} was deleted; submit a new run with another provider"
            ))),
            found => found.map(drop),
        }
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

/// Returns the message that announces a transition, after which the run is `run`. The executors need not know of a change
/// that only the feeder heeds.
fn control(run: &RunRow, transition: &Transition) -> Option<Control> {
    let run_id = run.id;
    match transition {
        Transition::Cancel => Some(Control::RunCanceled { run_id }),
        Transition::CancelGracefully if run.cancel_graceful => Some(Control::RunDraining { run_id }),
        Transition::Pause { .. } | Transition::PauseFailing { .. } => Some(Control::RunPaused { run_id }),
        Transition::Extend { .. } if run.pause.is_some() => None,
        Transition::Resume
        | Transition::ResumeByItself
        | Transition::ResumeAfterChange
        | Transition::ResumeAfterBudget { .. }
        | Transition::RetryFailed { .. }
        | Transition::Extend { .. }
        | Transition::Recover => Some(Control::RunResumed { run_id }),
        // A run that is being canceled already drops its calls.
        Transition::CancelGracefully
        | Transition::Change(_)
        | Transition::EndDay
        | Transition::Rescore { .. }
        | Transition::NoteRescoring { .. } => None,
    }
}
