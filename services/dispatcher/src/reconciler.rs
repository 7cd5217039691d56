use std::{collections::HashMap, time::Duration};

use jiff::SignedDuration;
use runmill_proto::{RunId, api::Settings};
use runmill_store::{ActiveRun, RunRow, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{metrics::DispatcherMetrics, steering::Steering};

/// Lost jobs of a run that are fed again in one look.
const REFED_MAX: u32 = 10_000;
/// Above the longest that a job may take, for its way through the queues.
const MARGIN: Duration = Duration::from_mins(1);

/// Finds what got lost in spite of everything, and what waits for nobody. Several may run side by side: what they do is
/// harmless done twice.
pub struct Reconciler {
    pub steering: Steering,
    pub metrics: DispatcherMetrics,
    pub period: Duration,
}

/// How far a run was when it last moved.
struct Progress {
    settled: u64,
    deferred: u64,
    since: Instant,
}

impl Reconciler {
    /// Looks every period, until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut progress = HashMap::new();
        while stop.run_until_cancelled(tokio::time::sleep(self.period)).await.is_some() {
            if let Err(error) = self.reconcile(&mut progress).await {
                tracing::warn!(event = "reconciler.failed", %error);
            }
        }
        Ok(())
    }

    async fn reconcile(&self, progress: &mut HashMap<RunId, Progress>) -> Result<(), StoreError> {
        let active = self.steering.store.active_runs().await?;
        progress.retain(|run_id, _| active.iter().any(|active| active.run.id == *run_id));
        let workspace = self.steering.store.settings().await?.0;
        let now = self.steering.clock.now();
        for ActiveRun { run, .. } in &active {
            let stalled = stalled_for(run, progress);
            let look = async {
                if run.cancel_requested_at.is_some() {
                    self.end_canceled(run).await
                } else if run.resume_at().is_some_and(|resume_at| resume_at <= now) {
                    self.steering.resume_by_itself(run.id).await
                } else if stalled >= self.stall_after(run, &workspace).await? {
                    self.refeed_lost(run).await
                } else {
                    Ok(())
                }
            };
            // One run's trouble is not the others'.
            if let Err(error) = look.await {
                tracing::warn!(event = "reconciler.run_failed", run_id = %run.id, %error);
            }
        }
        Ok(())
    }

    /// Executors settle the queued jobs of a canceled run at once; where none is left to do so, the run ends anyway.
    async fn end_canceled(&self, run: &RunRow) -> Result<(), StoreError> {
        let now = self.steering.clock.now();
        let period = SignedDuration::try_from(self.period).unwrap_or(SignedDuration::MAX);
        if self.steering.store.end_canceled(run.id, now - period, now).await? {
            tracing::info!(event = "run.canceled", run_id = %run.id, "ended with jobs still in the queue");
        }
        Ok(())
    }

    /// Returns the longest time that a healthy executor may work on a job of this run, and a margin.
    async fn stall_after(&self, run: &RunRow, workspace: &Settings) -> Result<Duration, StoreError> {
        let provider = self.steering.store.provider(run.submission.provider_id).await?;
        let settings = workspace.for_job(&provider.settings, &run.submission.config.stored_job());
        Ok(settings.longest_job() + MARGIN)
    }

    async fn refeed_lost(&self, run: &RunRow) -> Result<(), StoreError> {
        let refed = self.steering.store.defer_lost(run.id, self.steering.clock.now(), REFED_MAX).await?;
        if refed > 0 {
            tracing::warn!(event = "reconciler.refed", run_id = %run.id, jobs = refed, "lost jobs are fed again");
            self.metrics.reconciler_refed.inc_by(refed);
            self.steering.wake.notify_one();
        }
        Ok(())
    }
}

/// How long jobs have been out with nothing coming back.
fn stalled_for(run: &RunRow, progress: &mut HashMap<RunId, Progress>) -> Duration {
    let (settled, deferred) = (run.stats.settled(), run.cursor.deferred);
    let last =
        progress.entry(run.id).or_insert_with(|| Progress { settled, deferred, since: Instant::now() });
    if run.in_queue() == 0 || (last.settled, last.deferred) != (settled, deferred) {
        *last = Progress { settled, deferred, since: Instant::now() };
    }
    last.since.elapsed()
}
