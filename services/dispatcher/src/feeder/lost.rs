//! Finds jobs that are in no queue and at no executor, by what is known: the depths of the queues, and the heartbeats.

use std::{collections::HashMap, time::Duration};

use runmill_broker::{BrokerError, Queue, log_partition};
use runmill_proto::{ProviderId, RunId, api::ExecutorStatus};
use runmill_store::{ActiveRun, RunRow};
use tokio::time::Instant;

use super::Feeder;
use crate::executors;

/// Time without movement after which a run is looked at.
const CALM: Duration = Duration::from_secs(1);
/// Interval of the looks: no heartbeat comes more often.
const LOOKS_EVERY: Duration = ExecutorStatus::REPORTS_EVERY;
/// Time after which missing jobs are lost. It is longer than two heartbeats, so that no job is missing only because
/// the news of it is on its way.
const LOST_AFTER: Duration = Duration::from_secs(5);
/// Time after which every job that left the queue is in a heartbeat.
const HEARD_AFTER: Duration = ExecutorStatus::REPORTS_EVERY.saturating_mul(2);
/// Longest time of that kind, for a run that no feeding has helped.
const LOST_AFTER_MAX: Duration = Duration::from_mins(10);
/// Maximum number of a run's lost jobs that are fed again at once.
const REFED_MAX: u32 = 10_000;

/// Watches the runs of one lane.
#[derive(Default)]
pub struct LostJobs {
    watches: HashMap<RunId, Watch>,
    looked_at: Option<Instant>,
    waits: bool,
}

/// Findings of a look at a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// True if jobs seem to be lost, and the lane must feed nothing until its queue is empty, which shows if they are.
    pub waits: bool,
    /// True if the lane's queue was deleted.
    pub queue_is_gone: bool,
}

struct Watch {
    counts: Counts,
    moved_at: Instant,
    /// Time of the first of all looks, without a movement in between, at which jobs were missing.
    missing_since: Option<Instant>,
    /// Time of the first of all looks since which the lane's queue was empty.
    empty_since: Option<Instant>,
    /// True if no log waited in the run's partition at one of the looks since the last movement, so none of the
    /// missing jobs has its log there. Logs of other runs may come all the time.
    logs_were_empty: bool,
    lost_after: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Counts {
    fed: u64,
    settled: u64,
    deferred: u64,
}

/// Messages of one lane, as far as the broker and the executors know.
struct Known {
    /// Number of jobs that wait in the lane's queue.
    ready: u64,
    /// True if the lane's queue exists.
    queue_exists: bool,
    /// Number of jobs in hand, by run. `None` if an executor does not say it.
    in_hand: Option<HashMap<RunId, u64>>,
}

impl LostJobs {
    /// Looks at the lane if one of its runs stands still, and makes lost jobs due. `runs` are all active runs of the
    /// lane.
    pub async fn look(
        &mut self,
        feeder: &Feeder,
        provider_id: ProviderId,
        runs: &[ActiveRun],
        now: Instant,
    ) -> anyhow::Result<Seen> {
        self.watches.retain(|run_id, _| runs.iter().any(|run| run.run.id == *run_id));
        for active in runs {
            self.watch(&active.run, now);
        }
        let calm: Vec<&RunRow> =
            runs.iter().map(|active| &active.run).filter(|run| self.is_calm(run, now)).collect();
        if calm.is_empty() {
            self.waits = false;
            return Ok(Seen::default());
        }
        if self.looked_at.is_some_and(|last| now - last < LOOKS_EVERY) {
            return Ok(Seen { waits: self.waits, queue_is_gone: false });
        }
        if self.looked_at.is_some_and(|last| now - last > 2 * LOOKS_EVERY) {
            // The store may have been away, and the heartbeats with it.
            self.forget();
        }
        self.looked_at = Some(now);
        let known = match Known::read(feeder, provider_id).await {
            Ok(known) => known,
            Err(error) => {
                self.forget();
                return Err(error.context("looking for lost jobs"));
            }
        };
        self.judge(feeder, runs, &calm, &known, now).await
    }

    async fn judge(
        &mut self,
        feeder: &Feeder,
        runs: &[ActiveRun],
        calm: &[&RunRow],
        known: &Known,
        now: Instant,
    ) -> anyhow::Result<Seen> {
        self.waits = false;
        for run in calm {
            let logs = logs_ready(feeder, run.id).await?;
            let watch = self.watch(run, now);
            watch.logs_were_empty |= logs == 0;
            watch.empty_since = if known.ready == 0 { watch.empty_since.or(Some(now)) } else { None };
            if !known.misses(run, runs, logs) {
                watch.missing_since = None;
                continue;
            }
            let missing_since = *watch.missing_since.get_or_insert(now);
            if now - missing_since + CALM < watch.lost_after || !watch.logs_were_empty {
                continue;
            }
            // Jobs that left the queue a moment ago are in no heartbeat yet.
            if watch.empty_since.is_none_or(|since| now - since < HEARD_AFTER) {
                self.waits = true;
                continue;
            }
            watch.lost_after = (2 * watch.lost_after).min(LOST_AFTER_MAX);
            refeed(feeder, run).await?;
        }
        Ok(Seen { waits: self.waits, queue_is_gone: !known.queue_exists })
    }

    /// Returns the watch of the run, after noting its movement.
    fn watch(&mut self, run: &RunRow, now: Instant) -> &mut Watch {
        let counts =
            Counts { fed: run.cursor.fed, settled: run.stats.settled(), deferred: run.cursor.deferred };
        let watch = self.watches.entry(run.id).or_insert(Watch {
            counts,
            moved_at: now,
            missing_since: None,
            empty_since: None,
            logs_were_empty: false,
            lost_after: LOST_AFTER,
        });
        if watch.counts.settled != counts.settled {
            watch.lost_after = LOST_AFTER;
        }
        if watch.counts != counts {
            (watch.counts, watch.moved_at) = (counts, now);
            (watch.missing_since, watch.logs_were_empty) = (None, false);
        }
        watch
    }

    fn is_calm(&self, run: &RunRow, now: Instant) -> bool {
        run.in_queue() > 0 && self.watches.get(&run.id).is_some_and(|watch| now - watch.moved_at >= CALM)
    }

    /// Forgets the looks so far, because the next one comes after a gap.
    fn forget(&mut self) {
        self.waits = false;
        for watch in self.watches.values_mut() {
            watch.missing_since = None;
        }
    }
}

impl Known {
    async fn read(feeder: &Feeder, provider_id: ProviderId) -> anyhow::Result<Self> {
        let executors = executors::alive(&*feeder.runs.store, &feeder.runs.clock).await?;
        let depth = feeder.broker.depth(Queue::Jobs(provider_id)).await?;
        Ok(Self {
            ready: depth.map_or(0, |depth| depth.ready),
            queue_exists: depth.is_some(),
            in_hand: executors.iter().all(says_runs).then(|| in_hand(&executors)),
        })
    }

    /// Returns true if jobs of the run are missing, as far as this look shows. `logs` wait in the run's partition, and
    /// may all be of it.
    fn misses(&self, run: &RunRow, lane: &[ActiveRun], logs: u64) -> bool {
        let Some(in_hand) = &self.in_hand else { return false };
        let in_hand = |run: &RunRow| in_hand.get(&run.id).copied().unwrap_or_default();
        let unaccounted: u64 =
            lane.iter().map(|active| active.run.in_queue().saturating_sub(in_hand(&active.run))).sum();
        run.in_queue() > in_hand(run) + logs && unaccounted > self.ready + logs
    }
}

/// Returns true if the executor says which runs its jobs are of. Those of older releases do not.
fn says_runs(executor: &ExecutorStatus) -> bool {
    let in_flight: u64 = executor.lanes.iter().map(|lane| u64::from(lane.in_flight)).sum();
    in_flight == 0 || !executor.runs.is_empty()
}

fn in_hand(executors: &[ExecutorStatus]) -> HashMap<RunId, u64> {
    let mut jobs = HashMap::new();
    for run in executors.iter().flat_map(|executor| &executor.runs) {
        *jobs.entry(run.run_id).or_default() += u64::from(run.jobs);
    }
    jobs
}

/// Returns the number of logs that wait for a log-sink in the run's partition.
async fn logs_ready(feeder: &Feeder, run_id: RunId) -> Result<u64, BrokerError> {
    let partition = log_partition(run_id, feeder.log_partitions);
    let depth = feeder.broker.depth(Queue::Logs(partition)).await?;
    Ok(depth.map_or(0, |depth| depth.ready))
}

async fn refeed(feeder: &Feeder, run: &RunRow) -> anyhow::Result<()> {
    let refed = feeder.runs.store.defer_lost(run.id, feeder.runs.clock.now(), REFED_MAX).await?;
    if refed > 0 {
        tracing::warn!(event = "feeder.lost_jobs", run_id = %run.id, jobs = refed, "lost jobs are fed again");
        feeder.metrics.lost_jobs.inc_by(refed);
    }
    Ok(())
}
