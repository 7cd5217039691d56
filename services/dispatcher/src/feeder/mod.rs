//! Puts jobs into the queue of each provider's lane, and keeps the queues short.
//!
//! The backlog stays in the store; a queue has only the jobs that keep executors busy. So fairness, pause, cancel and
//! priorities depend only on which jobs are fed next, and need no feature of the broker. Jobs are published first and
//! marked as fed second. Jobs that may have been published without a mark, by this leader or the one before, are marked
//! as possible copies.

mod health;
mod jobs;
mod judged;
mod lane;
mod lanes;
mod leading;
mod limits;
mod lost;
mod offers;
mod schedule;
#[cfg(test)]
mod tests;
mod trial;
mod window;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use runmill_broker::SharedBroker;
use runmill_proto::ProviderId;
use runmill_store::ActiveRun;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    judging::Judges, metrics::DispatcherMetrics, rescoring::Rescorer, retention::Retention,
    reuse::EarlierAnswers, run_control::RunControl, webhooks::Webhooks,
};
pub use health::{FeederHealth, NotFeeding};
pub use lane::{new_jobs, want};
pub use lanes::Lanes;
pub use leading::{LEASE, Leading};
pub use limits::calls_per_second;
pub use trial::{calls as trial_calls, due_max as trial_due_max};

/// Pause between two passes while runs are active: short compared to the half second that a window lasts.
const BUSY_PERIOD: Duration = Duration::from_millis(50);
/// Pause between two passes without an active run. A run that this process accepts wakes the feeder earlier.
const IDLE_PERIOD: Duration = Duration::from_millis(500);
/// Pause between two tries to become the leader.
const LEAD_PERIOD: Duration = Duration::from_millis(500);
/// Pause after a failure.
const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// Longest wait for lanes that are being fed when the feeding ends. The next leader treats the rest as possible copies.
const LAST_PASS: Duration = Duration::from_secs(1);

/// Feeds the jobs of all active runs while this process is the leader.
#[derive(Clone)]
pub struct Feeder {
    /// Pauses the runs whose trial failed. It wakes the feeder, too, when there may be something new to feed.
    pub runs: RunControl,
    pub broker: SharedBroker,
    pub metrics: DispatcherMetrics,
    /// Maximum number of calls in flight per executor for a provider that states no limit.
    pub lane_concurrency: u32,
    /// Number of partitions of the logs.
    pub log_partitions: u16,
    /// Work that only the leader does beside the feeding.
    pub rescorer: Rescorer,
    pub judges: Judges,
    /// Answers that runs take over from earlier ones.
    pub answers: EarlierAnswers,
    pub retention: Retention,
    pub webhooks: Webhooks,
    pub health: FeederHealth,
}

impl Feeder {
    /// Tries to become the leader and feeds while it is, until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let this = Arc::new(self);
        while !stop.is_cancelled() {
            match this.runs.store.try_lead(LEASE).await {
                Ok(Some(lead)) => {
                    let leading = Leading::new(lead, this.runs.clock.now());
                    this.feed_while(&leading, &stop).await;
                }
                Ok(None) => this.health.set(None),
                Err(error) => {
                    tracing::warn!(event = "feeder.lead_failed", %error);
                    this.health.set(Some(NotFeeding(error.to_string())));
                }
            }
            stop.run_until_cancelled(sleep(LEAD_PERIOD)).await;
        }
        Ok(())
    }

    async fn feed_while(self: &Arc<Self>, leading: &Leading, stop: &CancellationToken) {
        tracing::info!(event = "feeder.leads", term = leading.term(), "this dispatcher is now the feeder");
        self.metrics.is_leader.set(1);
        // The set ends its tasks when it is dropped.
        let mut keeping = JoinSet::new();
        keeping.spawn(leading.clone().keep());
        keeping.spawn(self.retention.clone().run());
        keeping.spawn(self.rescorer.clone().run());
        keeping.spawn(self.judges.clone().run());
        keeping.spawn(self.answers.clone().index());
        keeping.spawn(self.webhooks.clone().run());
        let mut lanes = Lanes::default();
        while leading.is_held() && !stop.is_cancelled() {
            let pause = self.pass(leading, &mut lanes).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(pause) => {}
                () = self.runs.wake.notified() => {}
            }
        }
        lanes.finish_within(self, LAST_PASS).await;
        self.metrics.is_leader.set(0);
        // Only the leader knows it.
        self.metrics.jobs_in_queue.set(0);
        leading.release().await;
    }

    /// Makes one pass, which does not wait for slow lanes. Returns the pause until the next one.
    async fn pass(self: &Arc<Self>, leading: &Leading, lanes: &mut Lanes) -> Duration {
        match self.start_lanes(leading, lanes).await {
            Ok(active) => {
                self.health.set(None);
                lanes.finish_within(self, BUSY_PERIOD).await;
                if active == 0 { IDLE_PERIOD } else { BUSY_PERIOD }
            }
            Err(error) => {
                self.metrics.feed_failures.inc();
                let error = format!("{error:#}");
                tracing::warn!(event = "feeder.failed", error);
                self.health.set(Some(NotFeeding(error)));
                RETRY_PERIOD
            }
        }
    }

    /// Makes one pass over all lanes and waits for its end.
    #[cfg(test)]
    pub async fn feed(self: &Arc<Self>, leading: &Leading, lanes: &mut Lanes) {
        self.start_lanes(leading, lanes).await.unwrap();
        lanes.finish(self).await;
    }

    /// Begins a pass over all lanes. Returns the number of active runs.
    async fn start_lanes(self: &Arc<Self>, leading: &Leading, lanes: &mut Lanes) -> anyhow::Result<usize> {
        let active = self.runs.store.active_runs().await?;
        self.answers.retain(&active);
        let count = active.len();
        let in_queue: u64 = active.iter().map(|active| active.run.in_queue()).sum();
        self.metrics.jobs_in_queue.set(in_queue.try_into().unwrap_or(i64::MAX));
        let mut by_lane: BTreeMap<ProviderId, Vec<ActiveRun>> = BTreeMap::new();
        for run in active {
            by_lane.entry(run.run.submission.provider_id).or_default().push(run);
        }
        lanes.start(self, leading, by_lane);
        Ok(count)
    }
}
