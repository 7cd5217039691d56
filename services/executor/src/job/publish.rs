use std::time::Duration;

use runmill_broker::{Envelope, Queue, log_partition};
use runmill_proto::{codec::Message, message::Job};
use runmill_telemetry::trace;
use tracing::Span;

use super::{Pipeline, end::JobLog};

/// Wait between two attempts to publish a log while the broker is unreachable.
const PAUSE: Duration = Duration::from_secs(1);

impl Pipeline {
    /// Publishes the log. Returns true once the broker has confirmed it, and false if the process has to end before
    /// that.
    pub(super) async fn publish(&self, job: &Job, log: &JobLog) -> bool {
        match log {
            JobLog::Ended(invocation) => {
                self.metrics.jobs.with_label_values(&[invocation.outcome.as_str()]).inc();
                self.publish_message(job, &**invocation).await
            }
            JobLog::Deferred(deferred) => {
                self.metrics.deferred.inc();
                self.publish_message(job, &**deferred).await
            }
        }
    }

    async fn publish_message<M: Message>(&self, job: &Job, message: &M) -> bool {
        let queue = Queue::Logs(log_partition(job.run_id, self.log_partitions));
        let traceparent = trace::context_of(&Span::current());
        let envelope = Envelope { traceparent, ..Envelope::new(message) };
        loop {
            match self.broker.publish(queue, envelope.clone()).await {
                Ok(()) => return true,
                Err(error) => {
                    self.metrics.publish_failures.inc();
                    tracing::warn!(
                        event = "executor.publish_failed",
                        %error,
                        "the log will be published again"
                    );
                }
            }
            if self.kill.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return false;
            }
        }
    }
}
