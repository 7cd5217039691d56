#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use runmill_broker::{BrokerError, Queue, SharedBroker, log_partition};
use runmill_proto::{
    ProviderId, RunId,
    api::{HeldBack, HeldBackCause},
};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, RunRow, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{executors, metrics::DispatcherMetrics};

/// Interval between two looks.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
/// Time without progress after which a run is looked at.
const CALM: SignedDuration = SignedDuration::from_secs(5);
/// Longest wait for an answer of the broker.
const BROKER_WAIT: Duration = Duration::from_secs(2);

/// Obstacles of the runs that stand still, as they were at the last look.
#[derive(Clone, Default)]
pub struct Obstacles(Arc<Mutex<HashMap<RunId, Vec<HeldBack>>>>);

/// Looks for faults of the installation that hold up runs. Each dispatcher looks for itself, because the fault may be
/// that none of them feeds.
pub struct Lookout {
    pub store: Arc<dyn DispatcherStore>,
    pub broker: SharedBroker,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    pub obstacles: Obstacles,
    /// Number of partitions of the logs.
    pub log_partitions: u16,
}

impl Obstacles {
    pub fn of(&self, id: RunId) -> Vec<HeldBack> {
        self.lock().get(&id).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Vec<HeldBack>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lookout {
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        while stop.run_until_cancelled(tokio::time::sleep(LOOKS_EVERY)).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::warn!(event = "lookout.failed", %error);
            }
        }
        Ok(())
    }

    async fn look(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut still = self.store.active_runs().await?;
        still.retain(|active| stands_still(&active.run, now));
        let found = if still.is_empty() {
            HashMap::new()
        } else {
            self.obstacles_of(still.into_iter().map(|active| active.run).collect()).await?
        };
        for cause in HeldBackCause::ALL {
            let runs = found.values().filter(|held| held.iter().any(|held| held.cause == *cause)).count();
            self.metrics
                .runs_held_back
                .with_label_values(&[cause.as_str()])
                .set(runs.try_into().unwrap_or(i64::MAX));
        }
        *self.obstacles.lock() = found;
        Ok(())
    }

    async fn obstacles_of(&self, runs: Vec<RunRow>) -> Result<HashMap<RunId, Vec<HeldBack>>, StoreError> {
        let of_all = self.of_all().await?;
        let partition = |run: &RunRow| log_partition(run.id, self.log_partitions);
        let mut lanes = HashMap::new();
        for lane in runs.iter().map(|run| run.submission.provider_id).collect::<BTreeSet<_>>() {
            lanes.insert(lane, self.of_lane(lane).await);
        }
        let mut partitions = HashMap::new();
        for partition in runs.iter().map(partition).collect::<BTreeSet<_>>() {
            partitions.insert(partition, self.of_partition(partition).await);
        }
        let held = |run: &RunRow| {
            let lane = lanes[&run.submission.provider_id].clone();
            let mut held: Vec<_> =
                of_all.iter().cloned().chain(lane).chain(partitions[&partition(run)].clone()).collect();
            held.dedup();
            held
        };
        Ok(runs.iter().map(|run| (run.id, held(run))).collect())
    }

    async fn of_all(&self) -> Result<Vec<HeldBack>, StoreError> {
        let mut held = Vec::new();
        if !self.store.is_led().await? {
            held.push(held_back(
                HeldBackCause::NoFeeder,
                "no dispatcher feeds jobs: look at the dispatchers' logs",
            ));
        }
        if executors::alive(&*self.store, &self.clock).await?.is_empty() {
            held.push(held_back(HeldBackCause::NoExecutor, "no executor is alive: start one"));
        }
        Ok(held)
    }

    async fn of_lane(&self, provider_id: ProviderId) -> Option<HeldBack> {
        let declared = self.answer(self.broker.declare(Queue::Jobs(provider_id))).await;
        declared.err().map(|error| match error {
            BrokerError::Refused { .. } => HeldBack {
                cause: HeldBackCause::QueueRefused,
                message: format!("{error}: delete the queue when it is empty, or set what it was made with"),
            },
            error => unreachable(&error),
        })
    }

    async fn of_partition(&self, partition: u16) -> Option<HeldBack> {
        match self.answer(self.broker.depth(Queue::Logs(partition))).await {
            Ok(Some(depth)) if depth.consumers > 0 => None,
            Ok(_) => Some(HeldBack {
                cause: HeldBackCause::NoLogSink,
                message: format!(
                    "no log-sink takes partition {partition} of the results: start one, \
                     with the same RUNMILL_LOG_PARTITIONS"
                ),
            }),
            Err(error) => Some(unreachable(&error)),
        }
    }

    async fn answer<T>(&self, asked: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
        tokio::time::timeout(BROKER_WAIT, asked).await.unwrap_or(Err(BrokerError::TimedOut(BROKER_WAIT)))
    }
}

/// Returns true for a run that could make progress, and has made none for a while.
fn stands_still(run: &RunRow, now: Timestamp) -> bool {
    let last = run.progress_at.unwrap_or(run.created_at);
    run.is_feedable() && now >= last + CALM
}

fn held_back(cause: HeldBackCause, message: &str) -> HeldBack {
    HeldBack { cause, message: message.to_owned() }
}

fn unreachable(error: &BrokerError) -> HeldBack {
    held_back(HeldBackCause::BrokerUnreachable, &error.to_string())
}
