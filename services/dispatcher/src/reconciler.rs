use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use runmill_proto::RunId;
use runmill_runtime::Clock;
use runmill_store::{ActiveRun, RunRow, SharedStore, StoreError};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::metrics::DispatcherMetrics;

/// Lost jobs of a run that are fed again in one look.
const REFED_MAX: u32 = 10_000;
/// Above the longest that a job may take, for its way through the queues.
const MARGIN: Duration = Duration::from_mins(1);

/// Finds what got lost in spite of everything, and what waits for nobody. Several may run side by side: what they do is
/// harmless done twice.
pub struct Reconciler {
    pub store: SharedStore,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    /// Wakes the feeder.
    pub wake: Arc<Notify>,
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
        let active = self.store.active_runs().await?;
        progress.retain(|run_id, _| active.iter().any(|active| active.run.id == *run_id));
        let total_timeout = self.store.settings().await?.0.request.total_timeout_seconds;
        for ActiveRun { run, .. } in &active {
            if run.cancel_requested_at.is_some() {
                self.end_canceled(run).await?;
            } else if is_stalled(run, progress, stall_after(run, total_timeout)) {
                self.refeed_lost(run).await?;
            }
        }
        Ok(())
    }

    /// Executors settle the queued jobs of a canceled run at once; where none is left to do so, the run ends anyway.
    async fn end_canceled(&self, run: &RunRow) -> Result<(), StoreError> {
        let now = self.clock.now();
        let period = SignedDuration::try_from(self.period).unwrap_or(SignedDuration::MAX);
        if self.store.end_canceled(run.id, now - period, now).await? {
            tracing::info!(event = "run.canceled", run_id = %run.id, "ended with jobs still in the queue");
        }
        Ok(())
    }

    async fn refeed_lost(&self, run: &RunRow) -> Result<(), StoreError> {
        let refed = self.store.defer_lost(run.id, self.clock.now(), REFED_MAX).await?;
        if refed > 0 {
            tracing::warn!(event = "reconciler.refed", run_id = %run.id, jobs = refed, "lost jobs are fed again");
            self.metrics.reconciler_refed.inc_by(refed);
            self.wake.notify_one();
        }
        Ok(())
    }
}

/// Twice the longest that an attempt of this run may take, and a margin.
fn stall_after(run: &RunRow, total_timeout_seconds: f64) -> Duration {
    let configured = run.config.job().ok().and_then(|job| job.timeout_seconds);
    let seconds = configured.unwrap_or(total_timeout_seconds).clamp(0.0, 86_400.0);
    Duration::from_secs_f64(2.0 * seconds) + MARGIN
}

/// Whether jobs are out and nothing has come back for `after`.
fn is_stalled(run: &RunRow, progress: &mut HashMap<RunId, Progress>, after: Duration) -> bool {
    let (settled, deferred) = (run.stats.settled(), run.deferred);
    let last =
        progress.entry(run.id).or_insert_with(|| Progress { settled, deferred, since: Instant::now() });
    if run.in_queue() == 0 || (last.settled, last.deferred) != (settled, deferred) {
        *last = Progress { settled, deferred, since: Instant::now() };
    }
    last.since.elapsed() >= after
}
