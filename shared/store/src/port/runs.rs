use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{ErrorKind, PauseCause, RunId, Scoring, Tenant, api::RunPatch};

use crate::{JudgeNote, Rescoring, RunRow, StoreError};

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

/// A change of a run by a user or by a restarted process.
#[derive(Clone, Debug, PartialEq)]
pub enum Transition {
    /// Stops the feeding and drops the calls in flight, also those that a [`Transition::CancelGracefully`] has left. The
    /// run ends once none of its jobs is in the queue; its deferred jobs are dropped. A [`StoreError::Conflict`] if the
    /// run has ended. Idempotent.
    Cancel,
    /// Does the same as [`Transition::Cancel`], but the calls in flight finish. Changes nothing if the run is being
    /// canceled already.
    CancelGracefully,
    /// Stops the feeding until a user resumes the run. [`StoreError::Conflict`] if the run has ended. A run that is
    /// already paused no longer resumes by itself, and does not change otherwise.
    Pause { reason: String },
    /// Pauses a run whose trial failed: none of its jobs was answered, `trial_calls` of them failed with the same kind
    /// of error, and none is in flight. A [`StoreError::Conflict`] for any other run.
    PauseFailing { trial_calls: u32 },
    /// Ends a pause, and makes deferred jobs due now. If the run has no answer and no job in flight, its failed jobs
    /// are tried again, in a new pass. [`StoreError::Conflict`] if the run is not paused.
    Resume,
    /// Does the same as [`Transition::Resume`], but only for a run that would resume by itself. A
    /// [`StoreError::Conflict`] for any other run, such as one that a user has paused meanwhile.
    ResumeByItself,
    /// Does the same as [`Transition::Resume`], but only for a run that neither a user nor a budget has paused. A
    /// [`StoreError::Conflict`] for any other run.
    ResumeAfterChange,
    /// Does the same as [`Transition::Resume`], but only for a run that was paused for `cause`, a budget. A
    /// [`StoreError::Conflict`] for any other run.
    ResumeAfterBudget { cause: PauseCause },
    /// Deletes the results of jobs that failed with one of `kinds`, or of all failed jobs if it is empty, and makes them
    /// due now, in a new pass. [`StoreError::Conflict`] if the run has not ended, was canceled, or has no such jobs.
    RetryFailed { kinds: BTreeSet<ErrorKind> },
    /// Changes settings of the run. [`StoreError::Conflict`] if the run has ended. Idempotent.
    Change(RunPatch),
    /// Raises the number of independent answers to each item to `samples`. A run that had ended goes on with the new
    /// jobs. [`StoreError::Conflict`] if the run was canceled or has more samples. Idempotent.
    Extend { samples: u32 },
    /// Completes an interactive run, because its day is over. A [`StoreError::Conflict`] for any other run.
    EndDay,
    /// Scores the stored answers of an ended run anew. A version under way by another scorer is given up. Idempotent: while
    /// this scorer's is under way. [`StoreError::Conflict`] if the run has not ended, has no answers of its own, or has too
    /// many versions.
    Rescore { scoring: Option<Scoring> },
    /// Notes how far the version under way is, which was at `from` before. `is_done` makes it the version by which the run
    /// is shown. [`StoreError::Conflict`] if another version is under way, or this one is elsewhere.
    NoteRescoring { rescoring: Box<Rescoring>, from: Option<(u32, u32)>, is_done: bool },
    /// Adds judges to an ended run. [`StoreError::Conflict`] if the run has not ended, has no answers of its own, or would have
    /// too many judges.
    Judge { judges: Vec<JudgeNote> },
    /// Notes what was seen of the judges' runs. `is_done`: all judges have ended, and no further answer comes, so a run that
    /// has not ended does now. [`StoreError::Conflict`] if the run has other judges by now, or none is at work.
    NoteJudges { judges: Vec<JudgeNote>, is_done: bool },
    /// Makes the jobs that were in the queue due now, because the queue was lost with its process. So were the slices of
    /// the run's budget: it begins anew with what the recorded calls have used.
    /// [`StoreError::Conflict`] if the run has ended.
    Recover,
}

#[async_trait]
pub trait RunReader: Send + Sync {
    async fn run(&self, id: RunId) -> Result<RunRow, StoreError>;

    /// Returns at most `limit` runs of the tenant, or of all, newest first, beginning before `before`. Those of judges are left
    /// out: the runs that are judged name them.
    async fn runs(
        &self,
        tenant: Option<&Tenant>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreError>;

    /// Returns those of the runs that exist.
    async fn run_rows(&self, ids: &[RunId]) -> Result<Vec<RunRow>, StoreError>;

    /// Returns the newest run of the tenant whose idempotency key starts with `prefix`.
    async fn newest_run_by_key(&self, tenant: &Tenant, prefix: &str) -> Result<Option<RunRow>, StoreError>;

    /// Returns at most `limit` runs whose answers are being scored anew.
    async fn rescoring_runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError>;

    /// Returns at most `limit` runs whose judges are at work, or have work to come.
    async fn judged_runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError>;

    /// Returns the versions of runs that have not ended, or that ended at or after `since`.
    async fn run_versions(&self, since: Timestamp) -> Result<Vec<RunVersion>, StoreError>;
}

/// Creates and changes runs. Every transition is an event of the run (`run_status`), written in the same transaction.
#[async_trait]
pub trait RunWriter: Send + Sync {
    /// Inserts one row with its first event and its webhook, whatever the run's size. `row` must be new: no job is fed, and `seq` is
    /// 0. [`StoreError::Conflict`] if the idempotency key was used with another provider, model, dataset, or config;
    ///    [`StoreError::NotFound`] if the provider or the dataset does not exist. The dataset of an interactive run is
    ///    made if it does not exist.
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError>;

    /// Makes the transition and returns the run after it.
    async fn transition(
        &self,
        id: RunId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<RunRow, StoreError>;
}
