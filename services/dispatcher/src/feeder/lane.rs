use std::{
    collections::{HashMap, HashSet},
    num::NonZeroU32,
    time::Duration,
};

use runmill_broker::{PublishError, Queue};
use runmill_proto::{ProviderId, RunId};
use runmill_store::{ActiveRun, DueJob, RunRow, Transition};
use tokio::time::Instant;

use super::{
    Feeder,
    jobs::RunFeed,
    judged::Ready,
    leading::Leading,
    limits::Limits,
    lost::LostJobs,
    offers::Offers,
    schedule::{Schedule, Want},
    trial,
    window::RateMeter,
};

/// Feeds one provider's lane, and keeps its state between two passes.
pub struct LaneFeed {
    meter: RateMeter,
    schedule: Schedule,
    offers: HashMap<RunId, Offers>,
    lost: LostJobs,
    /// Limits of the lane and the time at which they were read. `None` until the queue is declared.
    limits: Option<(Limits, Instant)>,
}

/// Age at which the limits are read from the store again.
const LIMITS_FRESH: Duration = Duration::from_secs(1);

impl LaneFeed {
    pub fn new(now: Instant) -> Self {
        Self {
            meter: RateMeter::new(now),
            schedule: Schedule::default(),
            offers: HashMap::new(),
            lost: LostJobs::default(),
            limits: None,
        }
    }

    /// Feeds as many jobs as the lane's window has room for. `runs` are all active runs of the provider.
    pub async fn feed(
        &mut self,
        feeder: &Feeder,
        leading: &Leading,
        provider_id: ProviderId,
        runs: &[ActiveRun],
        now: Instant,
    ) -> anyhow::Result<()> {
        self.meter.observe(runs, now);
        let rate = self.meter.per_second();
        self.offers.retain(|run_id, _| runs.iter().any(|run| run.run.id == *run_id));
        let limits = self.limits(feeder, provider_id, now).await?;
        let window = limits.window(rate);
        let trials: Vec<_> = runs.iter().map(|run| limits.trial(&run.run)).collect();
        for (run, trial) in runs.iter().zip(&trials) {
            trial::pause_if_failed(feeder, &run.run, *trial).await?;
        }
        let settled = self.mark_again(feeder, leading, runs).await?;
        let seen = self.lost.look(feeder, provider_id, runs, now).await?;
        if seen.queue_is_gone {
            self.limits = None;
        }
        if seen.waits {
            return Ok(());
        }
        let in_queue: u64 = runs.iter().map(|run| run.run.in_queue()).sum();
        let free = window.saturating_sub(in_queue);
        if free == 0 {
            return Ok(());
        }
        let (mut due, mut ready) = (Vec::new(), Vec::new());
        for (run, trial) in runs.iter().zip(&trials) {
            ready.push(Ready::read(&*feeder.runs.store, run, free).await?);
            let most = trial.map(|trial_calls| trial::due_max(&run.run, new_jobs(&run.run), trial_calls));
            due.push(due_jobs(feeder, run, most.map_or(free, |most| most.min(free))).await?);
        }
        let wants: Vec<_> = runs
            .iter()
            .zip(&due)
            .zip(&ready)
            .zip(trials)
            .map(|(((run, due), ready), trial)| {
                let new = ready.as_ref().map_or_else(|| new_jobs(&run.run), Ready::count);
                let want = want(&run.run, due.len() as u64, new, trial);
                let may_feed = settled.contains(&run.run.id) && feeder.answers.are_ready(&run.run);
                if may_feed { want } else { Want { jobs: 0, ..want } }
            })
            .collect();
        for (run_id, jobs) in self.schedule.allot(free, &wants) {
            let n = runs
                .iter()
                .position(|run| run.run.id == run_id)
                .expect("jobs are allotted only to these runs");
            self.feed_run(feeder, leading, &runs[n], (&due[n], ready[n].as_ref()), jobs).await?;
        }
        Ok(())
    }

    /// Marks what was confirmed earlier and could not be marked. Returns the runs that had nothing to mark: the rows
    /// of the others are older than the marks.
    async fn mark_again(
        &mut self,
        feeder: &Feeder,
        leading: &Leading,
        runs: &[ActiveRun],
    ) -> anyhow::Result<HashSet<RunId>> {
        let mut settled = HashSet::new();
        for active in runs {
            if !self.run_feed(feeder, leading, active).mark_again().await? {
                settled.insert(active.run.id);
            }
        }
        Ok(settled)
    }

    async fn feed_run(
        &mut self,
        feeder: &Feeder,
        leading: &Leading,
        active: &ActiveRun,
        (due, ready): (&[DueJob], Option<&Ready>),
        jobs: u64,
    ) -> anyhow::Result<()> {
        let fed = self.run_feed(feeder, leading, active).feed(due, ready, jobs).await;
        let Err(error) = fed else { return Ok(()) };
        if let Some(PublishError::TooLarge { .. }) = error.downcast_ref() {
            let reason = format!("a job of the run cannot be published: {error}");
            return Ok(feeder.runs.apply_if_possible(active.run.id, Transition::Pause { reason }).await?);
        }
        // The queue may be gone, so it is declared again in the next pass.
        self.limits = None;
        Err(error.context(format!("feeding {}", active.run.id)))
    }

    fn run_feed<'a>(
        &'a mut self,
        feeder: &'a Feeder,
        leading: &'a Leading,
        active: &'a ActiveRun,
    ) -> RunFeed<'a> {
        let offers = self.offers.entry(active.run.id).or_insert_with(|| Offers::before(&active.run, leading));
        RunFeed { feeder, leading, active, offers }
    }

    async fn limits(
        &mut self,
        feeder: &Feeder,
        provider_id: ProviderId,
        now: Instant,
    ) -> anyhow::Result<&Limits> {
        let read = match self.limits.take() {
            Some((limits, read_at)) if now - read_at < LIMITS_FRESH => (limits, read_at),
            Some(_) => (Limits::read(feeder, provider_id).await?, now),
            None => {
                feeder.broker.declare(Queue::Jobs(provider_id)).await?;
                (Limits::read(feeder, provider_id).await?, now)
            }
        };
        Ok(&self.limits.insert(read).0)
    }
}

/// Returns the number of jobs that were never fed.
pub const fn new_jobs(run: &RunRow) -> u64 {
    run.total.saturating_sub(run.cursor.fed)
}

async fn due_jobs(feeder: &Feeder, active: &ActiveRun, free: u64) -> anyhow::Result<Vec<DueJob>> {
    if free == 0 || active.run.cursor.deferred == 0 || !active.run.is_feedable() {
        return Ok(Vec::new());
    }
    let limit = u32::try_from(free).unwrap_or(u32::MAX);
    Ok(feeder.runs.store.due_jobs(active.run.id, feeder.runs.clock.now(), limit).await?)
}

/// Returns how many jobs of the run could be fed, of `due` deferred ones and `new` ones: all, within its trial and the
/// concurrency that the run allows itself.
pub fn want(run: &RunRow, due: u64, new: u64, trial: Option<NonZeroU32>) -> Want {
    let left = match trial {
        _ if !run.is_feedable() => 0,
        Some(trial_calls) => trial::jobs(run, due, new, trial_calls),
        None => due + new,
    };
    let room = run.submission.config.concurrency().map(|most| u64::from(most).saturating_sub(run.in_queue()));
    Want { run_id: run.id, weight: run.submission.priority, jobs: room.map_or(left, |room| left.min(room)) }
}
