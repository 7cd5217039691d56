use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::api::ExecutorStatus;

use crate::StoreError;

/// Who executes.
#[async_trait]
pub trait Executors: Send + Sync {
    /// Records that `executor` lives, under its name. Forgets those not seen in the day before that.
    async fn report_executor(&self, executor: &ExecutorStatus) -> Result<(), StoreError>;

    /// Forgets it.
    async fn remove_executor(&self, name: &str) -> Result<(), StoreError>;

    /// Those seen at or after `since`, by name.
    async fn executors(&self, since: Timestamp) -> Result<Vec<ExecutorStatus>, StoreError>;
}
