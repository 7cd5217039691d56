use std::time::Duration;

use runmill_proto::ErrorKind;

use super::{Ending, Pipeline, end::End};
use crate::environment::RunState;

/// Wait before a job is tried again because the store could not be read.
pub(super) const STORE_PAUSE: Duration = Duration::from_secs(5);

const RUN_PAUSED: &str = "the run is paused";

impl Pipeline {
    /// Reads the state of the job's run from the store, if this executor does not know it yet.
    pub(super) async fn learn_run(&self, end: &End<'_>) -> Result<(), Ending> {
        let learned = self.environment.learn_run(end.job.run_id).await;
        learned.map_err(|error| end.deferred(STORE_PAUSE, &error).into())
    }
}

/// Ends a job for which no call may be made: because of the state of its run, or because its deadline has passed.
pub(super) fn check(end: &End<'_>, state: RunState) -> Result<(), Ending> {
    match state {
        // The store does not list the run as active, so it has ended with this job still in the queue: it was
        // canceled while no executor was running.
        RunState::Canceled | RunState::Unknown => return Err(end.canceled().into()),
        RunState::Paused => return Err(end.deferred(Duration::ZERO, &RUN_PAUSED).into()),
        RunState::Active => {}
    }
    let calls = end.job.reused.is_none();
    if calls && end.job.deadline.is_some_and(|deadline| end.now >= deadline) {
        let reason = "the run's deadline passed before the call";
        return Err(end.failed(ErrorKind::DeadlinePassed, &reason).into());
    }
    Ok(())
}
