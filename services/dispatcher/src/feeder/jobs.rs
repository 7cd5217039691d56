use anyhow::Context;
use futures::{StreamExt, stream};
use runmill_broker::{Envelope, PublishError, Queue};
use runmill_proto::{
    JobConfig,
    message::{Job, JobItem, JobKey, JobKind},
};
use runmill_store::{ActiveRun, DueJob, RunRow};
use runmill_telemetry::trace;
use tracing::{Instrument, Span};

use super::Feeder;

/// Number of items that are read at once. An inline item has at most 64 KiB, so this bounds the memory that is used.
const CHUNK: u64 = 256;
/// Maximum number of publishes that wait for their confirms.
const PUBLISHES_MAX: usize = 256;

/// Feeds one run.
pub struct RunFeed<'a> {
    pub feeder: &'a Feeder,
    pub active: &'a ActiveRun,
}

impl RunFeed<'_> {
    /// Publishes `count` jobs, the `due` ones first, and marks those that the broker confirmed.
    pub async fn feed(&self, due: &[DueJob], count: u64) -> anyhow::Result<()> {
        let config = self.run().submission.config.stored_job();
        let due = &due[..due.len().min(usize::try_from(count).unwrap_or(usize::MAX))];
        for chunk in due.chunks(PUBLISHES_MAX) {
            self.refeed(chunk, &config).await?;
        }
        let until = (self.run().cursor.fed + count - due.len() as u64).min(self.run().total);
        let mut fed = self.run().cursor.fed;
        while fed < until {
            fed = self.advance(fed, until, &config).await?;
        }
        Ok(())
    }

    fn run(&self) -> &RunRow {
        &self.active.run
    }

    async fn refeed(&self, due: &[DueJob], config: &JobConfig) -> anyhow::Result<()> {
        let mut jobs = Vec::with_capacity(due.len());
        for job in due {
            let mut items = self
                .feeder
                .runs
                .store
                .job_items(self.run().submission.dataset_id, job.key.ordinal, 1)
                .await?;
            let item = items.pop().with_context(|| format!("the dataset has no item {}", job.key.ordinal))?;
            jobs.push(self.job(*job, item, config));
        }
        let (published, result) = self.publish(jobs).await;
        self.mark(self.run().cursor.fed, &due[..published], published).await?;
        Ok(result?)
    }

    /// Feeds the jobs of one chunk of positions, from `fed` to at most `until`. Returns the position after the last
    /// job.
    async fn advance(&self, fed: u64, until: u64, config: &JobConfig) -> anyhow::Result<u64> {
        let (sample, ordinal) = (fed / self.active.items, fed % self.active.items);
        let count = (until - fed).min(self.active.items - ordinal).min(CHUNK);
        let (sample, first) = (u32::try_from(sample)?, u32::try_from(ordinal)?);
        let items = self
            .feeder
            .runs
            .store
            .job_items(self.run().submission.dataset_id, first, u32::try_from(count)?)
            .await?;
        anyhow::ensure!(items.len() as u64 == count, "the dataset has fewer items than its item count says");
        let jobs = (first..).zip(items).map(|(ordinal, item)| {
            let key = JobKey { run_id: self.run().id, ordinal, sample };
            self.job(DueJob { key, attempt: 0, failures: 0, possible_copy: false }, item, config)
        });
        let (published, result) = self.publish(jobs.collect()).await;
        let fed = fed + published as u64;
        self.mark(fed, &[], published).await?;
        result?;
        Ok(fed)
    }

    fn job(&self, due: DueJob, item: JobItem, config: &JobConfig) -> Job {
        let DueJob { key, attempt, failures, possible_copy } = due;
        Job {
            run_id: key.run_id,
            ordinal: key.ordinal,
            sample: key.sample,
            epoch: self.run().cursor.epoch,
            kind: JobKind::Answer,
            attempt,
            failures,
            possible_copy,
            term: 0,
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

    async fn mark(&self, fed: u64, refed: &[DueJob], published: usize) -> anyhow::Result<()> {
        let now = self.feeder.runs.clock.now();
        self.feeder.runs.store.mark_fed(self.run().id, fed, refed, now).await?;
        self.feeder.metrics.jobs_fed.inc_by(published as u64);
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
