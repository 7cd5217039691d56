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

/// Reason of the pause of a judge's run while a user has paused the run whose answers it judges.
pub const JUDGED_IS_PAUSED: &str = "the run whose answers are judged is paused";

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
        for judge in row.judges.iter().filter(|judge| !judge.is_added) {
            if let Some(transition) = for_judge(&transition) {
                Box::pin(self.apply_if_exists(judge.progress.run_id, transition)).await?;
            }
        }
        self.wake.notify_one();
        Ok(row)
    }

    /// Makes the jobs of an ended run due again that failed with one of `kinds`, or all failed jobs if it is empty.
    pub async fn retry_failed(&self, id: RunId, kinds: BTreeSet<ErrorKind>) -> Result<RunRow, StoreError> {
        let run = self.require_provider(id).await?;
        let judges = self.retry_judges(&run, &kinds).await?;
        match self.apply(id, Transition::RetryFailed { kinds }).await {
            // No answer has failed, but a verdict has.
            Err(StoreError::Conflict(_)) if judges > 0 => {
                self.apply(id, Transition::Judge { judges: Vec::new() }).await
            }
            retried => retried,
        }
    }

    /// Makes failed verdicts on answers of an ended run due again. Returns the number of the judges who go on.
    async fn retry_judges(&self, run: &RunRow, kinds: &BTreeSet<ErrorKind>) -> Result<usize, StoreError> {
        let mut retried = 0;
        if !run.status.is_terminal() {
            return Ok(retried);
        }
        for judge in &run.judges {
            let retry = Transition::RetryFailed { kinds: kinds.clone() };
            match self.apply(judge.progress.run_id, retry).await {
                Ok(_) => retried += 1,
                Err(StoreError::Conflict(_) | StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(retried)
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
        self.apply_if_possible(run.id, resume.clone()).await?;
        for judge in run.judges.iter().filter(|judge| !judge.is_added) {
            self.apply_if_exists(judge.progress.run_id, resume.clone()).await?;
        }
        self.store.run(run.id).await
    }

    /// Returns the run, or a [`StoreError::Conflict`] if its provider was deleted: no job of it could be done.
    async fn require_provider(&self, id: RunId) -> Result<RunRow, StoreError> {
        let run = self.store.run(id).await?;
        match self.store.provider(run.submission.provider_id).await {
            Err(StoreError::NotFound { .. }) => Err(StoreError::Conflict(format!(
                "the provider of run {id} was deleted; submit a new run with another provider"
            ))),
            found => found.map(|_| run),
        }
    }

    /// Makes a transition of a judge's run, if the leader has made that run already.
    async fn apply_if_exists(&self, id: RunId, transition: Transition) -> Result<(), StoreError> {
        match self.apply_if_possible(id, transition).await {
            Err(StoreError::NotFound { .. }) => Ok(()),
            done => done,
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

/// Returns what the judges of a run do at once when it makes a transition.
fn for_judge(transition: &Transition) -> Option<Transition> {
    match transition {
        Transition::Cancel | Transition::CancelGracefully | Transition::Resume => Some(transition.clone()),
        Transition::Pause { .. } => Some(Transition::Pause { reason: JUDGED_IS_PAUSED.to_owned() }),
        _ => None,
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
        | Transition::Judge { .. }
        | Transition::NoteJudges { .. }
        | Transition::NoteRescoring { .. } => None,
    }
}
