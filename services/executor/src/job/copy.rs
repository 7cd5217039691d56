use std::time::Duration;

use runmill_broker::{Envelope, PublishError, Queue};
use runmill_proto::{ErrorKind, message::Job};
use runmill_store::{JobState, JobStates};
use runmill_telemetry::trace;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{Ending, Pipeline, end::End};
use crate::exchange::{Feeding, Verdict};

/// Wait before the store is asked again for the state of a job.
const PAUSE: Duration = Duration::from_secs(1);

/// Number of earlier deliveries from which on the death of an executor counts against the job. The first redelivery
/// says little: an executor that dies loses all of its jobs, and one of them at most is the cause.
const SUSPECT_AFTER: u32 = 2;
/// Number of counted deaths at which a job ends. Each stands for two: the count in the broker begins anew with each.
const CRASHES_MAX: u32 = 3;

impl Pipeline {
    /// Checks a job that may be a copy. Returns an error if it must not be called.
    pub(super) async fn check_copy(
        &self,
        end: &End<'_>,
        delivery_count: u32,
        stop: &CancellationToken,
    ) -> Result<(), Ending> {
        let job = end.job;
        if !self.fleet.is_possible_copy(job, delivery_count) {
            return Ok(());
        }
        // Boxed, so that the future of an ordinary job has no room for it.
        let check = Box::pin(self.check_possible_copy(end, delivery_count));
        let checked = stop.run_until_cancelled(check).await;
        let checked = checked.unwrap_or(Err(Ending::Requeue));
        let verdict = match &checked {
            Ok(()) => "called",
            Err(Ending::Copy) => "dropped",
            Err(_) => return checked,
        };
        self.metrics.copies.with_label_values(&[verdict]).inc();
        tracing::debug!(event = "executor.copy_checked", attempt = job.attempt, delivery_count, verdict);
        checked
    }

    async fn check_possible_copy(&self, end: &End<'_>, delivery_count: u32) -> Result<(), Ending> {
        let job = end.job;
        let Verdict::Call { died } = self.fleet.ask(Feeding::from(job)).await else {
            return Err(Ending::Copy);
        };
        let state = self.job_state(job).await;
        if state.has_result || state.deferred_attempt.is_some_and(|attempt| attempt > job.attempt) {
            return Err(Ending::Copy);
        }
        if died && delivery_count >= SUSPECT_AFTER {
            return self.count_crash(end).await;
        }
        Ok(())
    }

    /// Returns what the store knows of the job. Asks until it answers.
    async fn job_state(&self, job: &Job) -> JobState {
        loop {
            match JobStates::job_states(&*self.environment.store, &[job.key()]).await {
                Ok(states) if !states.is_empty() => return states[0],
                Ok(_) => tracing::warn!(event = "executor.job_state_unknown", "the store returned no state"),
                Err(error) => tracing::warn!(event = "executor.job_state_unknown", %error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Counts the death of an executor against the job that it held. The count travels in the message, because this
    /// executor may die of the job, too.
    async fn count_crash(&self, end: &End<'_>) -> Result<(), Ending> {
        let crashes = end.job.crashes.saturating_add(1);
        self.metrics.crashes.inc();
        if crashes >= CRASHES_MAX {
            let reason = "executors died each time that they worked on this item";
            tracing::error!(event = "executor.job_quarantined", "{reason}");
            return Err(end.failed(ErrorKind::Quarantined, &reason).into());
        }
        let counted = Job { crashes, possible_copy: true, ..end.job.clone() };
        match self.publish_job(&counted).await {
            Ok(()) => Err(Ending::Copy),
            Err(error) => {
                tracing::warn!(event = "executor.crash_not_counted", %error);
                Ok(())
            }
        }
    }

    async fn publish_job(&self, job: &Job) -> Result<(), PublishError> {
        let traceparent = trace::context_of(&Span::current());
        let envelope = Envelope { traceparent, ..Envelope::new(job) };
        self.broker.publish(Queue::Jobs(job.provider_id), envelope).await
    }
}
