use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    InvocationId, RunId,
    api::{InvocationRecord, ResultRecord},
    message::{Deferred, Invocation, JobKey},
};

use crate::StoreError;

/// One message of an executor.
#[derive(Clone, Debug, PartialEq)]
pub enum LogEntry {
    Invocation(Box<Invocation>),
    Deferred(Box<Deferred>),
}

/// Messages to be written together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBatch(pub Vec<LogEntry>);

/// What a batch changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Results that were not there before.
    pub results: u64,
    /// Messages of which nothing was new.
    pub redelivered: u64,
    /// Runs that the batch paused, so that others can be told.
    pub paused: Vec<RunId>,
    /// Runs that the batch ended.
    pub ended: Vec<RunId>,
    /// Messages of runs that are not there; nothing of them was written.
    pub orphaned: u64,
}

/// What came of the jobs.
#[async_trait]
pub trait Results: Send + Sync {
    /// Writes the batch in one transaction:
    ///
    /// 1. the call of every message, unless its id is there already (then the message was
    ///    redelivered, and nothing more is done with it);
    /// 2. under the lock of each run's row, in the order of their ids: a result for every job that has none
    ///    (of an earlier pass: the call alone is recorded), a deferral for every deferred job without one;
    /// 3. the run's counters and stats, moved by what was new and nothing else;
    /// 4. the run's events (`run_log` for failed attempts and invocations, `run_item`, one `run_progress`,
    ///    `run_status` for transitions) under the next dense `seq`s;
    /// 5. the end of each run whose jobs all have their result, or that is canceled and has
    ///    nothing in the queue.
    ///
    /// Writing a batch again, in whole or in part, changes nothing.
    async fn write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError>;

    /// By ordinal and sample, after `after`, at most `limit`.
    async fn results(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError>;

    /// By id, after `after`, at most `limit`.
    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError>;
}
