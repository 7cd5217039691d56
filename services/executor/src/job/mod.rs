//! One job, from delivery to ack: claim, check, prepare, call, score, publish, ack. Each step is a file.
//!
//! A step returns what the next one needs, or how the job ends without the rest ([`Ending`]).

mod call;
mod check;
mod claim;
mod end;
mod prepare;
mod publish;
mod score;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use runmill_broker::{Delivery, SharedBroker};
use runmill_proto::{ErrorKind, message::Job};
use runmill_telemetry::trace;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::{
    claim::{Claim, Recent, Working},
    end::{End, JobLog},
};
use crate::{ack, environment::Environment, metrics::ExecutorMetrics};

/// Executes jobs.
pub struct Pipeline {
    environment: Arc<Environment>,
    broker: SharedBroker,
    metrics: ExecutorMetrics,
    recent: Recent,
    log_partitions: u16,
    /// Ends the wait for an unreachable broker.
    kill: CancellationToken,
}

/// Way in which the work on a job ends.
enum Ending {
    /// The log is published, then the job is acked.
    Log(JobLog),
    /// No request was made, so the job is requeued for another executor.
    Requeue,
}

impl From<JobLog> for Ending {
    fn from(log: JobLog) -> Self {
        Self::Log(log)
    }
}

impl Pipeline {
    pub fn new(
        environment: Arc<Environment>,
        broker: SharedBroker,
        metrics: ExecutorMetrics,
        log_partitions: u16,
        kill: CancellationToken,
    ) -> Self {
        Self { environment, broker, metrics, recent: Recent::default(), log_partitions, kill }
    }

    /// Executes the job of a delivery and settles the delivery. The job is acked only after its log is confirmed.
    /// After `stop`, no call starts.
    pub async fn work(&self, delivery: Delivery, stop: CancellationToken) {
        let job: Job = match delivery.message.decode() {
            Ok(job) => job,
            Err(error) => return ack::dead_letter(delivery, &error).await,
        };
        let span =
            tracing::info_span!("job", run_id = %job.run_id, ordinal = job.ordinal, sample = job.sample);
        trace::continue_from(&span, delivery.message.traceparent.as_deref());
        self.metrics.unacked_jobs.inc();
        self.claim(&job, delivery, &stop).instrument(span).await;
        self.metrics.unacked_jobs.dec();
    }

    async fn claim(&self, job: &Job, delivery: Delivery, stop: &CancellationToken) {
        match self.recent.claim(job) {
            Claim::Done => ack::ack(delivery).await,
            Claim::InProgress(elsewhere) => {
                if elsewhere.done().await {
                    ack::ack(delivery).await;
                } else {
                    ack::requeue(delivery).await;
                }
            }
            Claim::New(working) => match self.survive(job, delivery.delivery_count, stop).await {
                Ending::Log(log) => self.finish(job, &log, working, delivery).await,
                Ending::Requeue => {
                    self.metrics.requeued.inc();
                    ack::requeue(delivery).await;
                }
            },
        }
    }

    /// Publishes the record until the broker has confirmed it, and only then acks the job. If the process is killed
    /// before that, the job stays unacked and is redelivered.
    async fn finish(&self, job: &Job, log: &JobLog, working: Working, delivery: Delivery) {
        if self.publish(job, log).await {
            working.done();
            ack::ack(delivery).await;
        }
    }

    /// Executes the job, and turns a panic into its end. Otherwise an item that triggers a bug would be redelivered
    /// again and again.
    async fn survive(&self, job: &Job, deliveries: u32, stop: &CancellationToken) -> Ending {
        let processed = AssertUnwindSafe(self.process(job, deliveries, stop)).catch_unwind().await;
        match processed {
            Ok(Ok(log)) => Ending::Log(log),
            Ok(Err(ending)) => ending,
            Err(_panic) => {
                let reason = "an executor failed over this item: its log says why (event `process.panicked`)";
                End::new(job, self.environment.clock.now()).failed(ErrorKind::Poisoned, &reason).into()
            }
        }
    }

    async fn process(&self, job: &Job, deliveries: u32, stop: &CancellationToken) -> Result<JobLog, Ending> {
        let end = End::new(job, self.environment.clock.now());
        self.learn_run(&end).await?;
        let item = self.item(&end).await?;
        let end = end.of_item(&item);
        check::check(&end, self.environment.run_state(job.run_id), deliveries)?;
        if stop.is_cancelled() {
            return Err(Ending::Requeue);
        }
        let prepared = self.prepare(&end, &item).await?;
        let log = self.call(&end, &prepared, stop).await?;
        Ok(score::score(log, job, &item))
    }
}
