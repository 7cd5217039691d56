use std::time::Duration;

use runmill_broker::{Envelope, PublishError, Queue, SharedBroker, log_partition};
use runmill_proto::RunId;
use runmill_telemetry::trace;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::metrics::ExecutorMetrics;

/// Wait between two attempts to publish a log while the broker is unreachable.
const PAUSE: Duration = Duration::from_secs(1);

/// Publishes logs for the log-sinks.
#[derive(Clone)]
pub struct LogPublisher {
    pub broker: SharedBroker,
    pub metrics: ExecutorMetrics,
    /// Number of partitions of the logs.
    pub partitions: u16,
    /// Ends the wait for an unreachable broker.
    pub kill: CancellationToken,
}

impl LogPublisher {
    /// Publishes a log of the run, as a part of the current span. Returns true once the broker has confirmed it, and false
    /// if the process has to end before that. An error means that the broker refuses the log at every try.
    pub async fn publish_until_confirmed(&self, run_id: RunId, log: Envelope) -> Result<bool, PublishError> {
        let queue = Queue::Logs(log_partition(run_id, self.partitions));
        let log = Envelope { traceparent: trace::context_of(&Span::current()), ..log };
        loop {
            let Err(error) = self.broker.publish(queue, log.clone()).await else { return Ok(true) };
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
}
