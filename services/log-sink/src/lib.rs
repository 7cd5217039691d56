//! Writes the invocations and deferrals that executors publish: consumes, writes to the store, acks.
//!
//! A batch is acked only after its transaction is committed. After a crash before the ack the messages are delivered
//! again, and writing them again changes nothing, so no crash loses or doubles a result.

mod batch;
mod health;
mod memory;
mod metrics;
mod pace;
mod partition;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use runmill_broker::{BrokerError, Queue, SharedBroker};
use runmill_runtime::Clock;
use runmill_store::LogWriter;
use tokio_util::sync::CancellationToken;

pub use health::{ConsumerHealth, NotConsuming, StoreHealth, StoreUnavailable};
pub use metrics::LogSinkMetrics;

/// Dependencies and settings of a log-sink.
#[derive(Clone)]
pub struct LogSink {
    pub broker: SharedBroker,
    pub results: Arc<dyn LogWriter>,
    pub clock: Clock,
    pub metrics: LogSinkMetrics,
    pub store_health: StoreHealth,
    pub consumer_health: ConsumerHealth,
    /// Number of partitions of the logs, the same in every process.
    pub partitions: u16,
    /// Time that a stopping log-sink waits for one more message. The last messages of executors are then written here, and
    /// need not be delivered again. Zero if what is published arrives at once.
    pub drain_wait: Duration,
}

impl LogSink {
    /// Consumes every partition until `stop`; then writes the messages that it holds, if the store is available, and returns.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let former = self.former_partitions().await.context("looking for queues of logs")?;
        let partitions = (0..self.partitions).chain(former);
        let partitions = partitions.map(|partition| partition::run(&self, partition, &stop));
        futures::future::try_join_all(partitions).await?;
        Ok(())
    }

    /// Returns the partitions above [`LogSink::partitions`] whose queues exist. They are of a time when the number was
    /// larger, or of executors that still have that number, and may hold results that are paid for.
    async fn former_partitions(&self) -> Result<Vec<u16>, BrokerError> {
        let mut former = Vec::new();
        for partition in self.partitions..u16::MAX {
            if self.broker.depth(Queue::Logs(partition)).await?.is_none() {
                break;
            }
            former.push(partition);
        }
        if let Some(last) = former.last() {
            tracing::warn!(
                event = "log_sink.former_partitions",
                partitions = self.partitions,
                last,
                "queues of more partitions exist than are set, and are read, too"
            );
        }
        Ok(former)
    }
}
