use anyhow::Context;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use runmill_broker::{Envelope, PublishError, Queue};
use runmill_proto::{
    JobConfig,
    message::{Job, JobItem, JobKey, JobKind, JudgedAnswer, ReusedAnswer},
};
use runmill_store::{ActiveRun, DueJob, RunRow, StoreError};
use runmill_telemetry::trace;
use tracing::{Instrument, Span};

use super::{
    Feeder,
    judged::{Ready, answer_of},
    leading::Leading,
    offers::Offers,
};

/// Number of items that are read at once. An inline item has at most 64 KiB, so this bounds the memory that is used. It
/// also bounds the jobs that are published and not yet marked, which a new leader relies on.
pub const CHUNK: u64 = 256;
/// Maximum number of publishes that wait for their confirms.
const PUBLISHES_MAX: usize = 256;

/// Recorded answers that go with a job.
struct Recorded {
    /// The one to judge.
    judged: Option<JudgedAnswer>,
    /// The one that takes the place of a call.
    reused: Option<ReusedAnswer>,
}

/// Feeds one run.
pub struct RunFeed<'a> {
    pub feeder: &'a Feeder,
    pub leading: &'a Leading,
    pub active: &'a ActiveRun,
    pub offers: &'a mut Offers,
}

impl RunFeed<'_> {
    /// Marks the jobs that were confirmed in an earlier pass and could not be marked then. Returns true if there were
    /// any: the run is then as it is only after it is read again.
    pub async fn mark_again(&mut self) -> anyhow::Result<bool> {
        let Some(unmarked) = self.offers.unmarked(&self.active.run).cloned() else { return Ok(false) };
        self.mark(unmarked.fed, &unmarked.refed).await?;
        Ok(true)
    }

    /// Publishes `count` jobs, the `due` ones first, and marks those that the broker confirmed. Stops when the lead is
    /// lost. A judge's run has only new jobs for the answers that are `ready`.
    pub async fn feed(&mut self, due: &[DueJob], ready: Option<&Ready>, count: u64) -> anyhow::Result<()> {
        let config = self.run().submission.config.stored_job();
        let due = &due[..due.len().min(usize::try_from(count).unwrap_or(usize::MAX))];
        for chunk in due.chunks(PUBLISHES_MAX) {
            if self.leading.is_held() {
                self.refeed(chunk, &config).await?;
            }
        }
        let mut fed = self.run().cursor.fed;
        let most = ready.map_or(self.run().total, |ready| fed + ready.count());
        let until = (fed + count - due.len() as u64).min(most).min(self.run().total);
        while fed < until && self.leading.is_held() {
            fed = self.advance(fed, until, ready, &config).await?;
        }
        Ok(())
    }

    fn run(&self) -> &RunRow {
        &self.active.run
    }

    async fn refeed(&mut self, due: &[DueJob], config: &JobConfig) -> anyhow::Result<()> {
        let mut jobs = Vec::with_capacity(due.len());
        for job in due {
            let item = self.items(job.key.ordinal, 1).await?.pop();
            let item = item.with_context(|| format!("the dataset has no item {}", job.key.ordinal))?;
            let possible_copy = self.offers.may_be_refed(job);
            let (store, JobKey { ordinal, sample, .. }) = (&*self.feeder.runs.store, job.key);
            let judged = answer_of(store, self.active, sample, ordinal).await?;
            let reused = self.feeder.answers.find(self.run(), sample, ordinal, 1).await?;
            let recorded = Recorded { judged, reused: reused.into_values().next() };
            jobs.push(self.job(DueJob { possible_copy, ..*job }, item, recorded, config));
        }
        let now = self.feeder.runs.clock.now();
        let (published, result) = self.publish(jobs).await;
        if result.is_err() {
            self.offers.refed_in_doubt(now);
        }
        self.mark_confirmed(self.run().cursor.fed, &due[..published], published).await?;
        Ok(result?)
    }

    /// Feeds the jobs of one chunk of positions, from `fed` to at most `until`. Returns the position after the last
    /// job.
    async fn advance(
        &mut self,
        fed: u64,
        until: u64,
        ready: Option<&Ready>,
        config: &JobConfig,
    ) -> anyhow::Result<u64> {
        let (sample, ordinal) = (fed / self.active.items, fed % self.active.items);
        let count = (until - fed).min(self.active.items - ordinal).min(CHUNK);
        let (sample, first) = (u32::try_from(sample)?, u32::try_from(ordinal)?);
        let items = self.items(first, u32::try_from(count)?).await?;
        let mut reused = self.feeder.answers.find(self.run(), sample, first, u32::try_from(count)?).await?;
        anyhow::ensure!(items.len() as u64 == count, "the dataset has fewer items than its item count says");
        let jobs: Vec<_> = (fed..)
            .zip((first..).zip(items))
            .map(|(position, (ordinal, item))| {
                let key = JobKey { run_id: self.run().id, ordinal, sample };
                let possible_copy = self.offers.may_be_published(position);
                let not_before = Timestamp::UNIX_EPOCH;
                let due = DueJob { key, attempt: 0, failures: 0, possible_copy, not_before };
                let nth = usize::try_from(position - self.run().cursor.fed).unwrap_or(usize::MAX);
                let judged = ready.and_then(|ready| ready.get(nth));
                self.job(due, item, Recorded { judged, reused: reused.remove(&(ordinal, sample)) }, config)
            })
            .collect();
        self.offers.publishing(fed + count);
        let (published, result) = self.publish(jobs).await;
        let fed = fed + published as u64;
        self.mark_confirmed(fed, &[], published).await?;
        result?;
        Ok(fed)
    }

    async fn items(&self, first: u32, count: u32) -> Result<Vec<JobItem>, StoreError> {
        self.feeder.runs.store.job_items(self.run().submission.dataset_id, first, count).await
    }

    fn job(&self, due: DueJob, item: JobItem, recorded: Recorded, config: &JobConfig) -> Job {
        let Recorded { judged, reused } = recorded;
        let DueJob { key, attempt, failures, possible_copy, .. } = due;
        // A question that is not stored with its result is not in a message, either.
        let dataset_id = self.run().submission.dataset_id;
        let item = if config.texts.are_kept() { item } else { JobItem::Reference(dataset_id) };
        Job {
            run_id: key.run_id,
            ordinal: key.ordinal,
            sample: key.sample,
            epoch: self.run().cursor.epoch,
            kind: if self.run().is_of_judge() { JobKind::Judge } else { JobKind::Answer },
            judged,
            reused: reused.map(Box::new),
            attempt,
            failures,
            possible_copy,
            term: self.leading.term(),
            crashes: 0,
            provider_id: self.run().submission.provider_id,
            model: self.run().submission.model.clone(),
            item,
            config: config.clone(),
            deadline: self.run().submission.config.deadline(),
        }
    }

    /// Publishes the jobs. Returns how many of them, from the first on, the broker confirmed, and the error after
    /// them, if any.
    async fn publish(&self, jobs: Vec<Job>) -> (usize, Result<(), PublishError>) {
        let queue = Queue::Jobs(self.run().submission.provider_id);
        let broker = &self.feeder.broker;
        let publishing = jobs.into_iter().map(|job| {
            let span = root(&job);
            trace::link_to(&span, self.run().submission.traceparent.as_deref());
            let traceparent = trace::context_of(&span);
            broker.publish(queue, Envelope { traceparent, ..Envelope::new(&job) }).instrument(span)
        });
        let mut confirms = stream::iter(publishing).buffered(PUBLISHES_MAX);
        let mut published = 0;
        while let Some(confirm) = confirms.next().await {
            if let Err(error) = confirm {
                return (published, Err(error));
            }
            published += 1;
        }
        (published, Ok(()))
    }

    async fn mark_confirmed(&mut self, fed: u64, refed: &[DueJob], published: usize) -> anyhow::Result<()> {
        self.feeder.metrics.jobs_fed.inc_by(published as u64);
        self.offers.confirmed(&self.active.run, fed, refed);
        self.mark(fed, refed).await
    }

    async fn mark(&mut self, fed: u64, refed: &[DueJob]) -> anyhow::Result<()> {
        let now = self.feeder.runs.clock.now();
        self.feeder.runs.store.mark_fed(self.run().id, fed, refed, now).await?;
        self.offers.marked();
        Ok(())
    }
}

/// Returns the root span of a job's trace. A job that is fed again has the same trace.
fn root(job: &Job) -> Span {
    let span = tracing::info_span!(
        target: trace::ONLY,
        parent: None,
        "job.feed",
        run_id = %job.run_id,
        ordinal = job.ordinal,
        sample = job.sample,
        attempt = job.attempt,
    );
    trace::begin(&span, &job.key());
    span
}
