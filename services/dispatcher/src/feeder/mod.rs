//! Keeps each lane's queue shallow.
//!
//! The backlog stays in the store; in the queue is only what executors need to stay busy. That makes
//! fairness, pause, cancel and priorities a matter of what is fed next, on every version of the broker. Jobs
//! are published first and marked second: a crash in between feeds them twice, which changes no result.

mod jobs;
mod lane;
mod schedule;
mod window;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use runmill_broker::SharedBroker;
use runmill_proto::ProviderId;
use runmill_runtime::Clock;
use runmill_store::{ActiveRun, DispatcherStore, Lead};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{executors, metrics::DispatcherMetrics};
use lane::Lane;

/// Between two looks while runs are active: short against the half second that a window lasts.
const BUSY_PERIOD: Duration = Duration::from_millis(50);
/// Between two looks while there is nothing to feed; a new run wakes us sooner, from this process.
const IDLE_PERIOD: Duration = Duration::from_millis(500);
/// Between two tries to become the leader, and after a failure.
const RETRY_PERIOD: Duration = Duration::from_secs(1);

/// What the feeder works with.
#[derive(Clone)]
pub struct Feeder {
    pub store: Arc<dyn DispatcherStore>,
    pub broker: SharedBroker,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    /// Told when there may be something new to feed.
    pub wake: Arc<Notify>,
    /// Calls in flight per executor for a provider that states no limit.
    pub lane_concurrency: u32,
}

impl Feeder {
    /// Feeds while it is the leader, and tries to become it otherwise, until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            match self.store.try_lead().await {
                Ok(Some(lead)) => self.feed_while(lead, &stop).await,
                Ok(None) => {}
                Err(error) => tracing::warn!(event = "feeder.lead_failed", %error),
            }
            stop.run_until_cancelled(sleep(RETRY_PERIOD)).await;
        }
        Ok(())
    }

    async fn feed_while(&self, lead: Box<dyn Lead>, stop: &CancellationToken) {
        tracing::info!(event = "feeder.leads", "this dispatcher feeds");
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
                () = self.wake.notified() => {}
            }
        }
        self.metrics.is_leader.set(0);
        lead.release().await;
    }

    /// One look at all lanes; how many runs are active.
    async fn feed(&self, lanes: &mut HashMap<ProviderId, Lane>) -> anyhow::Result<usize> {
        let active = self.store.active_runs().await?;
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
            let mut lane = lanes.remove(&provider_id).unwrap_or_else(|| Lane::new(now));
            feedings.push(async move {
                let fed = lane.feed(self, provider_id, &runs, now).await;
                (provider_id, lane, fed)
            });
        }
        // Side by side, so that a lane whose queue is blocked holds up no other.
        for (provider_id, lane, fed) in futures::future::join_all(feedings).await {
            lanes.insert(provider_id, lane);
            if let Err(error) = fed {
                self.metrics.feed_failures.inc();
                tracing::warn!(event = "feeder.lane_failed", %provider_id, error = format!("{error:#}"));
            }
        }
        Ok(count)
    }

    /// How many calls the whole fleet may have in flight on this lane.
    async fn fleet_concurrency(&self, provider_id: ProviderId) -> anyhow::Result<u32> {
        if let Some(stated) = self.store.provider(provider_id).await?.rate_limit.concurrency {
            return Ok(stated);
        }
        let executors = executors::alive(&*self.store, &self.clock).await?.len();
        let executors = u32::try_from(executors.max(1)).unwrap_or(u32::MAX);
        Ok(self.lane_concurrency.saturating_mul(executors))
    }
}
