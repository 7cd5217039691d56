use std::sync::Arc;

use runmill_broker::{Envelope, SharedBroker};
use runmill_proto::{RunId, message::Control};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, RunRow, StoreError, Transition};
use tokio::sync::Notify;

/// Changes what becomes of runs, and tells everyone: the one way for users, the reconciler and a provider's change.
#[derive(Clone)]
pub struct Steering {
    pub store: Arc<dyn DispatcherStore>,
    pub broker: SharedBroker,
    pub clock: Clock,
    /// Wakes the feeder.
    pub wake: Arc<Notify>,
}

impl Steering {
    /// Makes the transition; the run as it then is.
    pub async fn steer(&self, id: RunId, transition: Transition) -> Result<RunRow, StoreError> {
        let row = self.store.transition(id, transition.clone(), self.clock.now()).await?;
        tracing::info!(event = "run.steered", run_id = %id, ?transition);
        self.announce(control(id, &transition)).await;
        self.wake.notify_one();
        Ok(row)
    }

    /// Resumes a run that would resume by itself some time. Nothing to do if another process was quicker, or if a user
    /// has said meanwhile what becomes of it.
    pub async fn resume_by_itself(&self, id: RunId) -> Result<(), StoreError> {
        match self.steer(id, Transition::ResumeByItself).await {
            Err(StoreError::Conflict(_)) => Ok(()),
            done => done.map(drop),
        }
    }

    /// Tells every process. Only a hint, so its failure is not the caller's.
    pub async fn announce(&self, control: Control) {
        if let Err(error) = self.broker.broadcast(Envelope::new(&control)).await {
            tracing::warn!(event = "control.broadcast_failed", %error, ?control);
        }
    }
}

const fn control(run_id: RunId, transition: &Transition) -> Control {
    match transition {
        Transition::Cancel => Control::RunCanceled { run_id },
        Transition::Pause { .. } => Control::RunPaused { run_id },
        Transition::Resume | Transition::ResumeByItself | Transition::RetryFailed | Transition::Recover => {
            Control::RunResumed { run_id }
        }
    }
}
