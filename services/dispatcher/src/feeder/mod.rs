//! Puts jobs into the queue of each provider's lane, and keeps the queues short.
//!
//! The backlog stays in the store; a queue has only the jobs that keep executors busy. So fairness, pause, cancel and
//! priorities depend only on which jobs are fed next, and need no feature of the broker. Jobs are published first and
//! marked as fed second: a crash in between feeds them twice, which changes no result.

mod jobs;
mod lane;
mod schedule;
mod trial;
mod window;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use runmill_broker::SharedBroker;
use runmill_proto::ProviderId;
use runmill_quota::fleet_concurrency;
use runmill_store::{ActiveRun, Lead, ProviderRow};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{executors, metrics::DispatcherMetrics, run_control::RunControl};
use lane::LaneFeed;

/// Pause between two passes while runs are active: short compared to the half second that a window lasts.
const BUSY_PERIOD: Duration = Duration::from_millis(50);
/// Pause between two passes without an active run. A run that this process accepts wakes the feeder earlier.
const IDLE_PERIOD: Duration = Duration::from_millis(500);
/// Pause between two tries to become the leader, and after a failure.
const RETRY_PERIOD: Duration = Duration::from_secs(1);

/// Feeds the jobs of all active runs while this process is the leader.
#[derive(Clone)]
pub struct Feeder {
    /// Pauses the runs whose trial failed. It wakes the feeder, too, when there may be something new to feed.
    pub runs: RunControl,
    pub broker: SharedBroker,
    pub metrics: DispatcherMetrics,
    /// Maximum number of calls in flight per executor for a provider that states no limit.
    pub lane_concurrency: u32,
}

impl Feeder {
    /// Tries to become the leader and feeds while it is, until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            match self.runs.store.try_lead().await {
                Ok(Some(lead)) => self.feed_while(lead, &stop).await,
                Ok(None) => {}
                Err(error) => tracing::warn!(event = "feeder.lead_failed", %error),
            }
            stop.run_until_cancelled(sleep(RETRY_PERIOD)).await;
        }
        Ok(())
    }

    async fn feed_while(&self, lead: Box<dyn Lead>, stop: &CancellationToken) {
        tracing::info!(event = "feeder.leads", "this dispatcher is now the feeder");
        self.metrics.is_leader.set(1);
        let mut lanes = HashMap::new();
        while lead.is_held() && !stop.is_cancelled() {
            let pause = match self.feed(&mut lanes).await {
                Ok(0) => IDLE_PERIOD,
                Ok(_) => BUSY_PERIOD,
                Err(error) => {
                    self.metrics.feed_failures.inc();
                    tracing::warn!(event = "feeder.failed", error = format!("{error:#}"));
                    RETRY_PERIOD
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(pause) => {}
                () = self.runs.wake.notified() => {}
            }
        }
        self.metrics.is_leader.set(0);
        lead.release().await;
    }

    /// Makes one pass over all lanes. Returns the number of active runs.
    pub async fn feed(&self, lanes: &mut HashMap<ProviderId, LaneFeed>) -> anyhow::Result<usize> {
        let active = self.runs.store.active_runs().await?;
        let count = active.len();
        let in_queue: u64 = active.iter().map(|active| active.run.in_queue()).sum();
        self.metrics.jobs_in_queue.set(in_queue.try_into().unwrap_or(i64::MAX));
        let mut by_lane: BTreeMap<ProviderId, Vec<ActiveRun>> = BTreeMap::new();
        for run in active {
            by_lane.entry(run.run.submission.provider_id).or_default().push(run);
        }
        lanes.retain(|provider_id, _| by_lane.contains_key(provider_id));
        let now = Instant::now();
        let mut feedings = Vec::new();
        for (provider_id, runs) in by_lane {
            let mut lane = lanes.remove(&provider_id).unwrap_or_else(|| LaneFeed::new(now));
            feedings.push(async move {
                let fed = lane.feed(self, provider_id, &runs, now).await;
                (provider_id, lane, fed)
            });
        }
        // The lanes are fed concurrently, so that a lane whose queue is blocked delays no other.
        for (provider_id, lane, fed) in futures::future::join_all(feedings).await {
            lanes.insert(provider_id, lane);
            if let Err(error) = fed {
                self.metrics.feed_failures.inc();
                tracing::warn!(event = "feeder.lane_failed", %provider_id, error = format!("{error:#}"));
            }
        }
        Ok(count)
    }

    /// Returns the number of calls that all executors together may have in flight on this lane.
    async fn fleet_concurrency(&self, provider: &ProviderRow) -> anyhow::Result<u32> {
        let stated = provider.rate_limit.concurrency;
        let executors = match stated {
            Some(_) => 0,
            None => executors::alive(&*self.runs.store, &self.runs.clock).await?.len(),
        };
        Ok(fleet_concurrency(stated, self.lane_concurrency, executors))
    }
}
