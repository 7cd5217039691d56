use std::time::Duration;

use anyhow::Context;
use runmill_broker::Queue;
use runmill_proto::ProviderId;
use runmill_store::{ActiveRun, DueJob};
use tokio::time::Instant;

use super::{
    Feeder,
    jobs::RunFeed,
    schedule::{Schedule, Want},
    window::{RateMeter, window},
};

/// Feeds one provider's lane, and keeps its state between two passes.
pub struct LaneFeed {
    meter: RateMeter,
    schedule: Schedule,
    /// Concurrency of the fleet and the time at which it was read. `None` until the queue is declared.
    concurrency: Option<(u32, Instant)>,
}

/// Age at which the fleet's concurrency is read from the store again.
const CONCURRENCY_FRESH: Duration = Duration::from_secs(1);

impl LaneFeed {
    pub fn new(now: Instant) -> Self {
        Self { meter: RateMeter::new(now), schedule: Schedule::default(), concurrency: None }
    }

    /// Feeds as many jobs as the lane's window has room for. `runs` are all active runs of the provider.
    pub async fn feed(
        &mut self,
        feeder: &Feeder,
        provider_id: ProviderId,
        runs: &[ActiveRun],
        now: Instant,
    ) -> anyhow::Result<()> {
        self.meter.observe(runs, now);
        let concurrency = self.concurrency(feeder, provider_id, now).await?;
        let in_queue: u64 = runs.iter().map(|run| run.run.in_queue()).sum();
        let free = window(concurrency, self.meter.per_second()).saturating_sub(in_queue);
        if free == 0 {
            return Ok(());
        }
        let mut due = Vec::new();
        for run in runs {
            due.push(due_jobs(feeder, run, free).await?);
        }
        let wants: Vec<_> = runs.iter().zip(&due).map(|(run, due)| want(run, due.len() as u64)).collect();
        for (run_id, jobs) in self.schedule.allot(free, &wants) {
            let n = runs
                .iter()
                .position(|run| run.run.id == run_id)
                .expect("jobs are allotted only to these runs");
            let fed = RunFeed { feeder, active: &runs[n] }.feed(&due[n], jobs).await;
            if fed.is_err() {
                // The queue may be gone, so it is declared again in the next pass.
                self.concurrency = None;
            }
            fed.with_context(|| format!("feeding {run_id}"))?;
        }
        Ok(())
    }

    async fn concurrency(
        &mut self,
        feeder: &Feeder,
        provider_id: ProviderId,
        now: Instant,
    ) -> anyhow::Result<u32> {
        match self.concurrency {
            Some((concurrency, read_at)) if now - read_at < CONCURRENCY_FRESH => return Ok(concurrency),
            Some(_) => {}
            None => feeder.broker.declare(Queue::Jobs(provider_id)).await?,
        }
        let concurrency = feeder.fleet_concurrency(provider_id).await?;
        self.concurrency = Some((concurrency, now));
        Ok(concurrency)
    }
}

async fn due_jobs(feeder: &Feeder, active: &ActiveRun, free: u64) -> anyhow::Result<Vec<DueJob>> {
    if active.run.cursor.deferred == 0 || !active.run.is_feedable() {
        return Ok(Vec::new());
    }
    let limit = u32::try_from(free).unwrap_or(u32::MAX);
    Ok(feeder.store.due_jobs(active.run.id, feeder.clock.now(), limit).await?)
}

/// Returns how many jobs of the run could be fed: all that are left, within the concurrency that the run allows itself.
fn want(active: &ActiveRun, due: u64) -> Want {
    let run = &active.run;
    let left = if run.is_feedable() { due + run.total.saturating_sub(run.cursor.fed) } else { 0 };
    let room = run.submission.config.concurrency().map(|most| u64::from(most).saturating_sub(run.in_queue()));
    Want { run_id: run.id, weight: run.submission.priority, jobs: room.map_or(left, |room| left.min(room)) }
}
