use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, Outcome, RunId,
    message::{Call, ClientNote, Deferred, Evaluation, Invocation, JobKey},
};

use crate::StoreError;

/// One message of an executor.
#[derive(Clone, Debug, PartialEq)]
pub enum LogEntry {
    Invocation(Box<Invocation>),
    Deferred(Box<Deferred>),
}

impl LogEntry {
    pub const fn key(&self) -> JobKey {
        match self {
            Self::Invocation(invocation) => invocation.key(),
            Self::Deferred(deferred) => deferred.key(),
        }
    }

    pub const fn call(&self) -> &Call {
        match self {
            Self::Invocation(invocation) => &invocation.call,
            Self::Deferred(deferred) => &deferred.call,
        }
    }

    /// Returns the note of a client's call, or `None` if the message is of a job.
    pub const fn client(&self) -> Option<&ClientNote> {
        match self {
            Self::Invocation(invocation) => invocation.client.as_ref(),
            Self::Deferred(_) => None,
        }
    }

    /// Returns the outcome of the job, or `None` if it was deferred.
    pub const fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Invocation(invocation) => Some(invocation.outcome),
            Self::Deferred(_) => None,
        }
    }

    /// Returns the kind of the error by which the job failed, or by which its last attempt failed before it was
    /// deferred.
    pub fn error_kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Invocation(invocation) => invocation.error_kind,
            Self::Deferred(deferred) => deferred.call.attempts.last().and_then(|attempt| attempt.error_kind),
        }
    }

    /// Returns the number of the run's pass in which the job was fed.
    pub const fn epoch(&self) -> u32 {
        match self {
            Self::Invocation(invocation) => invocation.epoch,
            Self::Deferred(deferred) => deferred.epoch,
        }
    }
}

/// Messages to be written together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBatch(pub Vec<LogEntry>);

impl LogBatch {
    /// Returns the runs of the messages, in the order of their ids.
    pub fn run_ids(&self) -> Vec<RunId> {
        let ids: BTreeSet<RunId> = self.0.iter().map(|entry| entry.key().run_id).collect();
        ids.into_iter().collect()
    }
}

/// Changes that a batch made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of new results.
    pub results: u64,
    /// Number of messages whose call was already stored.
    pub redelivered: u64,
    /// Runs that the batch paused, to be announced to executors.
    pub paused: Vec<RunId>,
    /// Runs that the batch ended.
    pub ended: Vec<RunId>,
    /// Number of messages whose run does not exist. Nothing of them was written.
    pub orphaned: u64,
}

/// Records the messages of executors.
#[async_trait]
pub trait LogWriter: Send + Sync {
    /// Writes the batch in one transaction:
    ///
    /// 1. the call of every message, unless its id is there already (then the message was
    ///    redelivered, and nothing more is done with it);
    /// 2. under the lock of each run's row, in the order of their ids: a result for every job that has none
    ///    (of an earlier pass: the call alone is recorded), which also ends the job's deferral; then a deferral
    ///    for every deferred job with neither result nor deferral, unless its run has ended;
    /// 3. the run's counters and stats, changed by the rows that are new and by nothing else;
    /// 4. the run's events (`run_log` for failed attempts, invocations and deferrals, `run_item`, at most one
    ///    `run_progress` and five of them a second, `run_status` for transitions) under the next dense `seq`s;
    /// 5. the end of each run whose jobs all have their result, or that is canceled and has
    ///    nothing in the queue;
    /// 6. the sums of the day on which a call began ([`UsageReader`](crate::UsageReader)).
    ///
    /// A message of a client's call has its call, events and sums, and neither a result nor a job: it is charged to any
    /// run that exists, even to one that has ended.
    ///
    /// A deferral with `pause` pauses its run, which resumes by itself at the earliest `not_before` of the batch, but not
    /// before `now`; a deferral without it schedules a retry, counted once for a batch and run. A run without any answer
    /// does not resume by itself, and an `unreachable` deferral pauses it, too. Writing a batch again, in whole or in
    /// part, changes nothing. A NUL in a text is stored as U+FFFD where the database takes none.
    ///
    /// Nothing is written of a batch with a message of a job that its run does not have (an item, a sample or an epoch):
    /// it is [`StoreError::NoSuchJob`].
    ///
    /// After the future is dropped, the batch may or may not be written. It may be written again.
    async fn write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError>;

    /// Writes a part of what LightEval did for a run, in one transaction under the lock of the run's row: lines of its log as
    /// `run_log` events; samples as items of the run's dataset and as results; its metrics, or the reason of its failure, with
    /// which the run ends once all of its samples are there.
    ///
    /// A part of an earlier claim than the last one of the run, and one of a run that has ended, changes nothing, and counts
    /// as redelivered. Writing a part again changes nothing. Samples that the message itself says do not exist are
    /// [`StoreError::NoSuchJob`].
    async fn write_evaluation(&self, part: &Evaluation, now: Timestamp) -> Result<Written, StoreError>;
}
