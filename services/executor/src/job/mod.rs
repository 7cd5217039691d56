//! One job, from delivery to ack: claim, check, prepare, call, score, texts, publish, ack. Each step is a file; the
//! claim is decided in [`exchange`](crate::exchange).
//!
//! A step returns what the next one needs, or how the job ends without the rest ([`Ending`]).

mod call;
mod check;
mod copy;
mod end;
mod judge;
mod prepare;
mod publish;
mod score;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use runmill_broker::{Delivery, SharedBroker};
use runmill_proto::{ErrorKind, message::Job};
use runmill_telemetry::trace;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::{
    end::{End, JobLog},
    publish::Published,
};
use crate::{
    ack,
    environment::Environment,
    exchange::{Claimed, Fleet, InHand},
    logs::LogPublisher,
    metrics::ExecutorMetrics,
    open_files::OpenFiles,
    output_tokens::OutputTokens,
    programs::Programs,
};

/// Executes jobs.
pub struct Pipeline {
    environment: Arc<Environment>,
    broker: SharedBroker,
    logs: LogPublisher,
    metrics: ExecutorMetrics,
    fleet: Arc<Fleet>,
    open_files: OpenFiles,
    output_tokens: OutputTokens,
    programs: Programs,
}

/// Way in which the work on a job ends.
enum Ending {
    /// The log is published, then the job is acked.
    Log(JobLog),
    /// No request was made, so the job is requeued for another executor.
    Requeue,
    /// Another executor has the job or has done it, or the job was published again. It is acked.
    Copy,
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
        logs: LogPublisher,
        metrics: ExecutorMetrics,
        fleet: Arc<Fleet>,
        programs: Programs,
    ) -> Self {
        let (open_files, output_tokens) = (OpenFiles::default(), OutputTokens::default());
        Self { environment, broker, logs, metrics, fleet, open_files, output_tokens, programs }
    }

    /// Returns the number of jobs of which it is not known yet if they may be called.
    pub fn in_check(&self) -> watch::Receiver<usize> {
        self.fleet.asking()
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

    /// Takes the job in hand and executes it, unless it is in hand or done already.
    async fn claim(&self, job: &Job, mut delivery: Delivery, stop: &CancellationToken) {
        let delivery_count = delivery.delivery_count;
        loop {
            match self.fleet.claim(job.into(), delivery) {
                Claimed::New(in_hand) => return self.execute(job, delivery_count, in_hand, stop).await,
                Claimed::Superfluous(delivery) => return ack::ack(delivery).await,
                Claimed::Ending(again) => delivery = again,
            }
            let ended = stop.run_until_cancelled(self.fleet.wait_for_end(&job.key())).await;
            if ended.is_none() {
                return ack::requeue(delivery).await;
            }
        }
    }

    async fn execute(&self, job: &Job, delivery_count: u32, in_hand: InHand, stop: &CancellationToken) {
        match self.survive(job, delivery_count, stop).await {
            Ending::Log(log) => self.finish(job, log, in_hand).await,
            Ending::Requeue => {
                self.metrics.requeued.inc();
                if let Some(delivery) = in_hand.end(None) {
                    ack::requeue(delivery).await;
                }
            }
            Ending::Copy => {
                match in_hand.drop_copy() {
                    // It came meanwhile, and is checked when it is delivered again.
                    Some(later) if later.is_later => ack::requeue(later.delivery).await,
                    Some(copy) => ack::ack(copy.delivery).await,
                    None => {}
                }
            }
        }
    }

    /// Publishes the log until the broker has confirmed it, and only then acks the job. If the process is killed
    /// before that, the job stays unacked and is redelivered.
    async fn finish(&self, job: &Job, log: JobLog, in_hand: InHand) {
        if matches!(log, JobLog::Deferred(_)) {
            in_hand.deferring();
        }
        match self.publish(job, log).await {
            Published::Confirmed(ended) => {
                if let Some(delivery) = in_hand.end(Some(ended)) {
                    ack::ack(delivery).await;
                }
            }
            Published::Refused(error) => {
                if let Some(delivery) = in_hand.end(None) {
                    ack::dead_letter(delivery, &error).await;
                }
            }
            Published::GivenUp => self.fleet.leave_behind(),
        }
    }

    /// Executes the job, and turns a panic into its end. Otherwise an item that triggers a bug would be redelivered
    /// again and again.
    async fn survive(&self, job: &Job, delivery_count: u32, stop: &CancellationToken) -> Ending {
        let processed = AssertUnwindSafe(self.process(job, delivery_count, stop)).catch_unwind().await;
        match processed {
            Ok(Ok(log)) => Ending::Log(log),
            Ok(Err(ending)) => ending,
            Err(_panic) => {
                let reason = "an executor failed over this item: its log says why (event `process.panicked`)";
                End::new(job, self.environment.clock.now()).failed(ErrorKind::Poisoned, &reason).into()
            }
        }
    }

    async fn process(
        &self,
        job: &Job,
        delivery_count: u32,
        stop: &CancellationToken,
    ) -> Result<JobLog, Ending> {
        // A copy must not even be deferred, so its check comes first.
        let end = End::new(job, self.environment.clock.now());
        self.check_copy(&end, delivery_count, stop).await?;
        let end = End::new(job, self.environment.clock.now());
        self.learn_run(&end).await?;
        let item = self.item(&end).await?;
        let end = end.of_item(&item);
        check::check(&end, self.environment.run_state(job.run_id))?;
        if stop.is_cancelled() {
            return Err(Ending::Requeue);
        }
        let log = if let Some(answer) = &job.reused {
            end.reused(answer)
        } else {
            let prepared = self.prepare(&end, &item).await?;
            self.call(&end, &prepared, stop).await?
        };
        Ok(self.score(log, job, &item).await.with_texts(job.config.texts))
    }
}
