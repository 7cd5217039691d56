use runmill_broker::PublishError;
use runmill_proto::message::Job;

use super::{Pipeline, end::JobLog};
use crate::exchange::Ended;

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
        match self.logs.publish_until_confirmed(job.run_id, log.envelope()).await {
            Ok(true) => Published::Confirmed(self.count(log)),
            Ok(false) => Published::GivenUp,
            Err(error) => Published::Refused(error),
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
