use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, RunId, Tenant, api::Dataset};

use crate::{RunRow, StoreError};

/// Removes runs and datasets that are no longer needed.
///
/// A run or dataset is removed at once and for good: it is not found from then on. The rows that belong to it are many,
/// so [`sweep`](Self::sweep) deletes them later, in short transactions. All methods can be repeated after a failure.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Returns runs of `tenant`, or of all, that ended before `before`, in the order of their ids, beginning after `after`, at
    /// most `limit`.
    async fn ended_runs(
        &self,
        tenant: Option<&Tenant>,
        before: Timestamp,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreError>;

    /// Returns datasets of `tenant`, or of all, that were uploaded before `before` and that no run uses, in the order of their
    /// ids, beginning after `after`, at most `limit`.
    async fn unused_datasets(
        &self,
        tenant: Option<&Tenant>,
        before: Timestamp,
        after: Option<DatasetId>,
        limit: u32,
    ) -> Result<Vec<Dataset>, StoreError>;

    /// Hides a file from clients. If neither a run nor a batch uses its dataset, removes both. Idempotent.
    async fn hide_file(&self, id: DatasetId) -> Result<(), StoreError>;

    /// Removes a run with all that is stored of it, and its batch; its dataset stays, unless it is a hidden file that nothing
    /// else uses. [`StoreError::Conflict`] if the run has not ended.
    async fn remove_run(&self, id: RunId) -> Result<(), StoreError>;

    /// Removes a dataset with its items, the file that it is, and the batches of it that were refused. [`StoreError::Conflict`] if a run uses it.
    async fn remove_dataset(&self, id: DatasetId) -> Result<(), StoreError>;

    /// Deletes rows of what was removed, in one transaction, and at most `limit` of each table. Returns false if there
    /// was nothing to delete.
    async fn sweep(&self, limit: u32) -> Result<bool, StoreError>;

    /// Deletes the sums of use of the earliest day before `day`, which is as `2026-11-30`. Returns the number of rows, 0 if
    /// there is no such day.
    async fn forget_usage(&self, day: &str) -> Result<u64, StoreError>;

    /// Drops the partitions of times before `now` whose runs are all removed, which is quicker than to delete their
    /// rows. Returns their number. A partition that is in use for a while is a [`StoreError::Unavailable`].
    async fn drop_partitions(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Makes partitions for the runs of `now` and the months after it, if the database has partitions and these do not
    /// exist yet. Rows without a partition of their own are stored as well, and only deleted more slowly.
    async fn make_partitions(&self, now: Timestamp) -> Result<(), StoreError>;
}
