#[cfg(test)]
mod tests;

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use runmill_proto::{RunId, api::Settings};
use runmill_store::{ActiveRun, RunRow, StoreError, Transition};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{front_door, metrics::DispatcherMetrics, run_control::RunControl};

/// Maximum number of a run's lost jobs that are fed again in one pass.
const REFED_MAX: u32 = 10_000;
/// Time that a job may spend in the queues, in addition to the longest time of its work.
const MARGIN: Duration = Duration::from_mins(1);

/// Ends canceled runs and runs of clients' calls, resumes runs whose time has come, and feeds lost jobs again. Several reconcilers may run at
/// the same time, because all their actions are idempotent.
pub struct Reconciler {
    pub runs: RunControl,
    pub metrics: DispatcherMetrics,
    pub period: Duration,
}

/// Counters of a run at the time of their last change.
pub struct LastMovement {
    settled: u64,
    deferred: u64,
    since: Instant,
}

impl Reconciler {
    /// Makes a pass at every interval, until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut last_movements = HashMap::new();
        while stop.run_until_cancelled(tokio::time::sleep(self.period)).await.is_some() {
            if let Err(error) = self.reconcile(&mut last_movements).await {
                tracing::warn!(event = "reconciler.failed", %error);
            }
        }
        Ok(())
    }

    pub async fn reconcile(
        &self,
        last_movements: &mut HashMap<RunId, LastMovement>,
    ) -> Result<(), StoreError> {
        self.end_days().await?;
        if let Err(error) = self.end_evaluations().await {
            tracing::warn!(event = "reconciler.evaluations_not_ended", %error);
        }
        if let Err(error) = front_door::expire(&self.runs).await {
            tracing::warn!(event = "batches.not_expired", %error);
        }
        let active = self.runs.store.active_runs().await?;
        last_movements.retain(|run_id, _| active.iter().any(|active| active.run.id == *run_id));
        let workspace = self.runs.store.settings().await?.0;
        let now = self.runs.clock.now();
        for ActiveRun { run, .. } in &active {
            let stalled = stalled_for(run, last_movements);
            let pass = async {
                if run.cancel_requested_at.is_some() {
                    self.end_canceled(run, &workspace).await
                } else if run.resume_at().is_some_and(|resume_at| resume_at <= now) {
                    self.runs.apply_if_possible(run.id, Transition::ResumeByItself).await
                } else if stalled >= self.stall_after(run, &workspace).await? {
                    self.refeed_lost(run).await
                } else {
                    Ok(())
                }
            };
            // A failure at one run must not stop the pass over the others.
            if let Err(error) = pass.await {
                tracing::warn!(event = "reconciler.run_failed", run_id = %run.id, %error);
            }
        }
        Ok(())
    }

    /// Ends the runs of LightEval over which too many executors died, and forgets what ended runs needed for it.
    async fn end_evaluations(&self) -> Result<(), StoreError> {
        for run_id in self.runs.store.end_dead_evaluations(self.runs.clock.now()).await? {
            tracing::warn!(event = "run.failed", %run_id, "executors died while they ran LightEval");
        }
        self.runs.store.forget_evaluations().await
    }

    /// Ends the runs of clients' calls whose day is over.
    async fn end_days(&self) -> Result<(), StoreError> {
        let now = self.runs.clock.now();
        for run in self.runs.store.interactive_runs().await? {
            if is_day_over(run.created_at, now) {
                self.runs.apply_if_possible(run.id, Transition::EndDay).await?;
            }
        }
        Ok(())
    }

    /// Ends a canceled run after one interval, or after the longest time that its calls may take to finish. Executors
    /// settle its queued jobs at once, but perhaps no executor is running.
    async fn end_canceled(&self, run: &RunRow, workspace: &Settings) -> Result<(), StoreError> {
        let now = self.runs.clock.now();
        let longest = if run.cancel_graceful { self.stall_after(run, workspace).await? } else { self.period };
        let before = now.saturating_sub(longest).unwrap_or(Timestamp::MIN);
        if self.runs.store.end_canceled(run.id, before, now).await? {
            tracing::info!(event = "run.canceled", run_id = %run.id, "ended with jobs still in the queue");
        }
        Ok(())
    }

    /// Returns the longest time that a healthy executor may work on a job of this run, plus a margin.
    async fn stall_after(&self, run: &RunRow, workspace: &Settings) -> Result<Duration, StoreError> {
        let provider = self.runs.store.provider(run.submission.provider_id).await?;
        let settings = workspace.for_job(&provider.settings, &run.submission.config.stored_job());
        Ok(settings.longest_job() + MARGIN)
    }

    async fn refeed_lost(&self, run: &RunRow) -> Result<(), StoreError> {
        let refed = self.runs.store.defer_lost(run.id, self.runs.clock.now(), REFED_MAX).await?;
        if refed > 0 {
            tracing::warn!(event = "reconciler.refed", run_id = %run.id, jobs = refed, "lost jobs are fed again");
            self.metrics.reconciler_refed.inc_by(refed);
            self.runs.wake.notify_one();
        }
        Ok(())
    }
}

/// Returns true if the day (UTC) of `created_at` has been over for an hour, in which its last calls end.
fn is_day_over(created_at: Timestamp, now: Timestamp) -> bool {
    const HOUR: i64 = 3_600;
    let day = created_at.as_second().div_euclid(24 * HOUR);
    now.as_second() >= (day + 1) * 24 * HOUR + HOUR
}

/// Returns the time for which the run has had jobs in the queue or in flight, and no result or deferral came.
fn stalled_for(run: &RunRow, last_movements: &mut HashMap<RunId, LastMovement>) -> Duration {
    let (settled, deferred) = (run.stats.settled(), run.cursor.deferred);
    let last = last_movements.entry(run.id).or_insert_with(|| LastMovement {
        settled,
        deferred,
        since: Instant::now(),
    });
    if run.in_queue() == 0 || (last.settled, last.deferred) != (settled, deferred) {
        *last = LastMovement { settled, deferred, since: Instant::now() };
    }
    last.since.elapsed()
}
