use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::api::ExecutorStatus;

use crate::StoreError;

/// Records the heartbeats of executors.
#[async_trait]
pub trait Heartbeats: Send + Sync {
    /// Records that `executor` is alive, under its name. Deletes executors whose last heartbeat is more than a day
    /// older.
    async fn report_executor(&self, executor: &ExecutorStatus) -> Result<(), StoreError>;

    /// Deletes the executor, if it exists.
    async fn remove_executor(&self, name: &str) -> Result<(), StoreError>;
}

#[async_trait]
pub trait ExecutorReader: Send + Sync {
    /// Returns the executors whose last heartbeat was at or after `since`, ordered by name.
    async fn executors(&self, since: Timestamp) -> Result<Vec<ExecutorStatus>, StoreError>;
}
