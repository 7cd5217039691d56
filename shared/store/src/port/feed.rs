use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{RunId, message::JobKey};

use crate::{RunRow, StoreError};

/// A run that may have something to feed, with the size of its dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveRun {
    pub run: RunRow,
    pub items: u64,
}

/// A deferred job whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueJob {
    pub key: JobKey,
    /// How often it was fed before, in this pass of the run.
    pub attempt: u32,
    /// Attempts that failed so far, over all those times.
    pub failures: u32,
}

/// What the feeder needs of the runs.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Every run that has not ended, paused ones and those being canceled included, oldest first.
    async fn active_runs(&self) -> Result<Vec<ActiveRun>, StoreError>;

    /// Deferred jobs of the run that are due at `now`, the longest due first, at most `limit`.
    async fn due_jobs(&self, id: RunId, now: Timestamp, limit: u32) -> Result<Vec<DueJob>, StoreError>;

    /// Records that the positions below `fed` and the deferred jobs `refed` are in the queue. `fed` never moves
    /// back. A job that was deferred anew meanwhile, by a later attempt, stays deferred. The first feeding makes a
    /// pending run `running`, with its event; feeding a deferred one clears `retry_after`, with an event.
    async fn mark_fed(&self, id: RunId, fed: u64, refed: &[DueJob], now: Timestamp)
    -> Result<(), StoreError>;

    /// Of a run that has not ended: makes every job that was fed, has no result and is not deferred due now, at
    /// most `limit`; how many. Feeding one that was not lost after all only makes a duplicate.
    async fn defer_lost(&self, id: RunId, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Ends a run whose cancellation was requested at or before `before`, though jobs of it are still
    /// in the queue; whether it did.
    async fn end_canceled(&self, id: RunId, before: Timestamp, now: Timestamp) -> Result<bool, StoreError>;
}

/// Proof of being the one feeder. Lost when it is dropped, or when the database connection behind it is.
#[async_trait]
pub trait Lead: Send + Sync {
    /// Whether it still is held. Cheap; does no I/O.
    fn is_held(&self) -> bool;

    /// Gives it up and waits until another can have it.
    async fn release(self: Box<Self>);
}

/// Who feeds. Two leaders at once only publish duplicates.
#[async_trait]
pub trait Leader: Send + Sync {
    /// `None` while another process leads.
    async fn try_lead(&self) -> Result<Option<Box<dyn Lead>>, StoreError>;
}
