use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{RunId, TokenId, message::JobKey};

use crate::{RunRow, StoreError, TokenBudget};

/// A run that may have jobs to feed, with the size of its dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveRun {
    pub run: RunRow,
    pub items: u64,
    /// Budget of the token that submitted the run, if it has one.
    pub token_budget: Option<TokenBudget>,
}

/// A deferred job whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueJob {
    pub key: JobKey,
    /// Number of times that the job was fed since the run was submitted or its failed jobs were last tried again.
    pub attempt: u32,
    /// Number of failed attempts so far, over all those times.
    pub failures: u32,
    /// True if the job may still be in a queue or at an executor.
    pub possible_copy: bool,
    /// Time at which the job became due.
    pub not_before: Timestamp,
}

#[async_trait]
pub trait ActiveRuns: Send + Sync {
    /// Returns every run with jobs that are fed and that has not ended, including paused ones and those being canceled, oldest first. A
    /// store that several commands share returns only those that this process works on.
    async fn active_runs(&self) -> Result<Vec<ActiveRun>, StoreError>;

    /// Returns the same runs, also those that other commands work on.
    async fn unfinished_runs(&self) -> Result<Vec<ActiveRun>, StoreError> {
        self.active_runs().await
    }

    /// Returns every interactive run that has not ended, oldest first.
    async fn interactive_runs(&self) -> Result<Vec<RunRow>, StoreError>;

    /// Returns a run to which a client's call is charged, with what limits it: a run of any kind, even one that has ended.
    async fn charged_run(&self, id: RunId) -> Result<ActiveRun, StoreError>;

    /// Returns the budget of a token with which a client calls. `None` if it has no budget, or if there is no such token.
    async fn token_budget(&self, id: TokenId) -> Result<Option<TokenBudget>, StoreError>;
}

/// Moves the cursors of runs.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Returns deferred jobs of the run that are due at `now`, earliest first, at most `limit`.
    async fn due_jobs(&self, id: RunId, now: Timestamp, limit: u32) -> Result<Vec<DueJob>, StoreError>;

    /// Records that the jobs at the positions below `fed` and the deferred jobs `refed` are in the queue. `fed` never
    /// moves back. A job that was deferred anew meanwhile, by a later attempt, stays deferred. The first feeding
    /// makes a pending run `running`, and feeding a deferred job clears the time of the retry; each is an event.
    async fn mark_fed(&self, id: RunId, fed: u64, refed: &[DueJob], now: Timestamp)
    -> Result<(), StoreError>;

    /// Makes jobs of a run that has not ended due now if they were fed, have no result and are not deferred, at most
    /// `limit`. Returns their number. They are possible copies, because the store cannot tell if a job was lost.
    async fn defer_lost(&self, id: RunId, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Ends a run whose cancellation was requested at or before `before`, even if jobs of it are still in the queue.
    /// Returns true if it ended the run.
    async fn end_canceled(&self, id: RunId, before: Timestamp, now: Timestamp) -> Result<bool, StoreError>;
}
