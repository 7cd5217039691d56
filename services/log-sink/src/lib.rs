//! Writes what executors report: consume, write, ack.
//!
//! A batch is acked only after its transaction is committed. Whatever dies before that is delivered again,
//! and writing it again changes nothing, so no order of crashes loses or doubles a result.

mod batch;
mod health;
mod metrics;
mod partition;

use std::sync::Arc;

use runmill_broker::SharedBroker;
use runmill_runtime::Clock;
use runmill_store::LogWriter;
use tokio_util::sync::CancellationToken;

pub use health::{Intake, StoreHealth};
pub use metrics::LogSinkMetrics;

/// What a log-sink works with.
#[derive(Clone)]
pub struct LogSink {
    pub broker: SharedBroker,
    pub results: Arc<dyn LogWriter>,
    pub clock: Clock,
    pub metrics: LogSinkMetrics,
    pub health: StoreHealth,
    pub intake: Intake,
    /// How many partitions the logs have; the same in every process.
    pub partitions: u16,
}

impl LogSink {
    /// Takes from every partition until `stop`; then writes what it holds, if the store lets it, and returns.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let partitions = (0..self.partitions).map(|partition| partition::run(&self, partition, &stop));
        futures::future::try_join_all(partitions).await?;
        Ok(())
    }
}
