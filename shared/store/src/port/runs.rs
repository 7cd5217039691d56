use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;

use crate::{RunRow, StoreError};

/// A run that was created, or the existing run with the same idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub enum CreatedRun {
    New(RunRow),
    Existing(RunRow),
}

/// A run and the `seq` of its last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunVersion {
    pub run_id: RunId,
    pub seq: u64,
}

/// A change of a run that a user, or a process that was restarted, asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Stops the feeding. The run ends once none of its jobs is in the queue; its deferred jobs are dropped.
    /// [`StoreError::Conflict`] if the run has ended. Idempotent.
    Cancel,
    /// Stops the feeding until a user resumes the run. [`StoreError::Conflict`] if the run has ended. A paused run
    /// no longer resumes by itself, and is otherwise left as it is.
    Pause { reason: String },
    /// Ends a pause, and makes deferred jobs due now. [`StoreError::Conflict`] if the run is not paused.
    Resume,
    /// Does the same as [`Transition::Resume`], for a run that would resume by itself. [`StoreError::Conflict`] for
    /// another, such as one that a user has paused since.
    ResumeByItself,
    /// Deletes the results of failed jobs and makes them due now, in a new pass. [`StoreError::Conflict`] if the run
    /// has not ended, was canceled, or has no failed jobs.
    RetryFailed,
    /// Makes the jobs that were in the queue due now, after the process that ran them was restarted.
    /// [`StoreError::Conflict`] if the run has ended.
    Recover,
}

#[async_trait]
pub trait RunReader: Send + Sync {
    async fn run(&self, id: RunId) -> Result<RunRow, StoreError>;

    /// Returns at most `limit` runs, newest first, beginning before `before`.
    async fn runs(&self, before: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, StoreError>;

    /// Returns those of the runs that are there.
    async fn run_rows(&self, ids: &[RunId]) -> Result<Vec<RunRow>, StoreError>;

    /// Returns the newest run whose idempotency key starts with `prefix`.
    async fn newest_run_by_key(&self, prefix: &str) -> Result<Option<RunRow>, StoreError>;

    /// Returns the versions of runs that have not ended, or that ended at or after `since`.
    async fn run_versions(&self, since: Timestamp) -> Result<Vec<RunVersion>, StoreError>;
}

/// Creates and changes runs. Every transition is an event of the run (`run_status`), written in the same transaction.
#[async_trait]
pub trait RunWriter: Send + Sync {
    /// Inserts one row, whatever the run's size. `row` is new: nothing is fed, and seq is 0. Its first event is written
    /// with it. [`StoreError::Conflict`] if the idempotency key was used with another provider, model, dataset, or
    /// config; [`StoreError::NotFound`] if provider or dataset is not there.
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError>;

    /// Makes the transition and returns the run after it.
    async fn transition(
        &self,
        id: RunId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<RunRow, StoreError>;
}
