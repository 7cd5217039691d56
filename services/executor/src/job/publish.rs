use std::time::Duration;

use runmill_broker::{Envelope, PublishError, Queue, log_partition};
use runmill_proto::message::Job;
use runmill_telemetry::trace;
use tracing::Span;

use super::{Pipeline, end::JobLog};
use crate::exchange::Ended;

/// Wait between two attempts to publish a log while the broker is unreachable.
const PAUSE: Duration = Duration::from_secs(1);

/// Result of [`Pipeline::publish`].
pub(super) enum Published {
    Confirmed(Ended),
    /// The process has to end before the broker has confirmed the log.
    GivenUp,
    /// The broker refuses the log at every try.
    Refused(PublishError),
}

impl Pipeline {
    /// Publishes the log until the broker has confirmed it. If the log is too large for the broker, it is replaced by
    /// one without the answer.
    pub(super) async fn publish(&self, job: &Job, log: JobLog) -> Published {
        match self.publish_log(job, &log).await {
            Published::Refused(error) => {
                tracing::error!(event = "executor.log_too_large", %error, "the answer is dropped, and its call kept");
                match log.without_answer(&error) {
                    Some(smaller) => Box::pin(self.publish_log(job, &smaller)).await,
                    None => Published::Refused(error),
                }
            }
            published => published,
        }
    }

    async fn publish_log(&self, job: &Job, log: &JobLog) -> Published {
        let envelope = log.envelope();
        let traceparent = trace::context_of(&Span::current());
        let published = self.publish_until_confirmed(job, Envelope { traceparent, ..envelope }).await;
        match published {
            Ok(true) => Published::Confirmed(self.count(log)),
            Ok(false) => Published::GivenUp,
            Err(error) => Published::Refused(error),
        }
    }

    /// Returns true once the broker has confirmed the message, and false if the process has to end before that.
    async fn publish_until_confirmed(&self, job: &Job, envelope: Envelope) -> Result<bool, PublishError> {
        let queue = Queue::Logs(log_partition(job.run_id, self.log_partitions));
        loop {
            let Err(error) = self.broker.publish(queue, envelope.clone()).await else { return Ok(true) };
            self.metrics.publish_failures.inc();
            if matches!(error, PublishError::TooLarge { .. }) {
                return Err(error);
            }
            tracing::warn!(event = "executor.publish_failed", %error, "the log will be published again");
            if matches!(error, PublishError::Unroutable(_)) {
                self.declare(queue).await;
            }
            if self.kill.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return Ok(false);
            }
        }
    }

    /// Creates a queue that was deleted, so that its log does not wait for a log-sink to do it.
    async fn declare(&self, queue: Queue) {
        if let Err(error) = self.broker.declare(queue).await {
            tracing::warn!(event = "executor.declare_failed", %error);
        }
    }

    fn count(&self, log: &JobLog) -> Ended {
        match log {
            JobLog::Ended(invocation) => {
                self.metrics.jobs.with_label_values(&[invocation.outcome.as_str()]).inc();
                Ended::Finally
            }
            JobLog::Deferred(_) => {
                self.metrics.deferred.inc();
                Ended::Deferred
            }
        }
    }
}
