use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    DatasetId, Outcome, ProviderId, RunConfig, RunId, RunStats, RunStatus,
    api::{NewRun, RunCounters, RunProgress},
    usd,
};
use serde_json::Value;

use crate::StoreError;

/// A run as it is stored. Times are kept to the microsecond.
///
/// `fed` counts positions of the run that were handed to the lane at least once: position
/// `sample * items + ordinal`. In the queue or in flight are `fed - stats.settled() - deferred`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub name: Option<String>,
    pub provider_id: ProviderId,
    pub model: String,
    pub dataset_id: DatasetId,
    pub config: RunConfig,
    /// From 1 to 100.
    pub priority: u32,
    pub budget: Option<Value>,
    pub idempotency_key: Option<String>,
    /// The W3C trace context of its submission; `None` if nobody traced that.
    pub traceparent: Option<String>,
    pub status: RunStatus,
    /// Items times samples.
    pub total: u64,
    pub fed: u64,
    pub deferred: u64,
    /// The pass: grows when failed jobs are tried again. A result of an earlier pass is not recorded.
    pub epoch: u32,
    /// The `seq` of the run's last event; 0 before the first.
    pub seq: u64,
    pub stats: RunStats,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub paused_at: Option<Timestamp>,
    pub pause_reason: Option<String>,
    /// When a run that a deferral paused resumes by itself. Only of a paused run.
    pub resume_at: Option<Timestamp>,
    pub cancel_requested_at: Option<Timestamp>,
    pub retry_count: u32,
    /// When the deferred jobs of the last interruption are due; `None` once they were fed or the run ended.
    pub retry_after: Option<Timestamp>,
    pub retry_requested_at: Option<Timestamp>,
    pub retry_reason: Option<String>,
    pub resumed_count: u32,
    pub last_resumed_at: Option<Timestamp>,
}

impl RunRow {
    /// A run that nobody has fed yet, of `total` jobs.
    pub fn new(id: RunId, asked: NewRun, total: u64, created_at: Timestamp) -> Self {
        Self {
            id,
            name: asked.name,
            provider_id: asked.provider_id,
            model: asked.model,
            dataset_id: asked.dataset_id,
            config: asked.config,
            priority: asked.priority.unwrap_or(1),
            budget: asked.budget,
            idempotency_key: None,
            traceparent: None,
            status: RunStatus::Pending,
            total,
            fed: 0,
            deferred: 0,
            epoch: 0,
            seq: 0,
            stats: RunStats::default(),
            created_at,
            started_at: None,
            finished_at: None,
            paused_at: None,
            pause_reason: None,
            resume_at: None,
            cancel_requested_at: None,
            retry_count: 0,
            retry_after: None,
            retry_requested_at: None,
            retry_reason: None,
            resumed_count: 0,
            last_resumed_at: None,
        }
    }

    /// Jobs in the lane's queue or in flight, as far as is known: a job is published before it is counted as fed.
    pub fn in_queue(&self) -> u64 {
        self.fed.saturating_sub(self.stats.settled() + self.deferred)
    }

    pub fn progress(&self) -> RunProgress {
        RunProgress {
            run_id: self.id,
            counters: self.counters(),
            score: self.stats.score(self.total),
            usage: self.stats.usage,
            cost_usd: self.cost_usd(),
        }
    }

    pub fn counters(&self) -> RunCounters {
        RunCounters {
            total: self.total,
            fed: self.fed,
            settled: self.stats.settled(),
            deferred: self.deferred,
            succeeded: self.stats.outcome(Outcome::Succeeded),
            refused: self.stats.outcome(Outcome::Refused),
            truncated: self.stats.outcome(Outcome::Truncated),
            failed: self.stats.outcome(Outcome::Failed),
            canceled: self.stats.outcome(Outcome::Canceled),
            budget_stopped: self.stats.outcome(Outcome::BudgetStopped),
            calls: self.stats.calls,
            retries: self.stats.retries,
            duplicates: self.stats.duplicates,
        }
    }

    /// What the calls cost, as far as prices are known.
    pub fn cost_usd(&self) -> Option<f64> {
        self.stats.cost_nanousd.map(usd)
    }
}

/// A run that was created, or the one that the idempotency key already stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum CreatedRun {
    New(RunRow),
    Existing(RunRow),
}

/// What is asked of a run by its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Nothing more is fed; ended once nothing of it is in the queue, and its deferred jobs are dropped. Of a
    /// run that has ended: a [`StoreError::Conflict`]. Asked twice: as once.
    Cancel,
    /// Nothing more is fed until resumed by a user. Of an ended run: a conflict. Of a paused one: it no longer
    /// resumes by itself, and nothing else changes.
    Pause { reason: String },
    /// Ends a pause, and makes what was deferred due now. Of a run that is not paused: a conflict.
    Resume,
    /// As [`Transition::Resume`], but only of a run that would resume by itself: of another, such as one that a
    /// user has paused since, a conflict.
    ResumeByItself,
    /// Of a run that ended by itself: its failed jobs lose their results and are due now, in a new pass. Of one
    /// that has not ended, that was canceled, or without failed jobs: a conflict.
    RetryFailed,
    /// The process that ran it was gone and is back: what was in the queue is due now. Of an ended run: a
    /// conflict.
    Recover,
}

/// Runs, and the decisions about them. Every transition is an event of the run (`run_status`), written in the
/// same transaction.
#[async_trait]
pub trait Runs: Send + Sync {
    /// One insert, whatever the run's size. `row` is new: nothing fed, seq 0. Its first event is written
    /// with it. [`StoreError::Conflict`] if the idempotency key was used with another provider, model,
    /// dataset, or config; [`StoreError::NotFound`] if provider or dataset is not there.
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError>;

    async fn run(&self, id: RunId) -> Result<RunRow, StoreError>;

    /// Newest first, before `before`, at most `limit`.
    async fn runs(&self, before: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, StoreError>;

    /// The newest run whose idempotency key starts with `prefix`.
    async fn newest_run_by_key(&self, prefix: &str) -> Result<Option<RunRow>, StoreError>;

    /// Does it and returns the run as it then is.
    async fn transition(
        &self,
        id: RunId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<RunRow, StoreError>;
}
