//! A run as it is stored: one row of the table `runs`, in values.

mod cursor;
mod further_scorers;
mod judges;
mod messages;
mod pause;
mod rescoring;
mod resumption;
mod retry;
mod series;
mod stats;
mod submission;
mod trial;

use jiff::Timestamp;
use runmill_proto::{
    Outcome, Reuse, RunId, RunKind, RunStatus, ScoreSummary,
    api::{BudgetUse, LightevalOutcome, NewRun, RunBudgetLeft, RunCounters, RunProgress},
    usd,
};
use runmill_scoring::ScoreTally;

pub use cursor::Cursor;
pub use judges::JudgeNote;
pub use messages::Messages;
pub use pause::Pause;
pub use rescoring::{Rescore, Rescores, Rescoring, VERSIONS_MAX};
pub use resumption::Resumption;
pub use retry::RetryNote;
pub use series::{SeriesPoint, Times};
pub use stats::RunStats;
pub use submission::Submission;

use crate::{
    StoreError,
    columns::{Stored as _, Value, columns},
};

/// Returns the text after all idempotency keys that start with `prefix`. Keys are printable ASCII.
pub fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{7f}")
}

/// Returns the error for a run that is not there, or has not ended at the time that was said.
pub fn not_ended(id: RunId) -> StoreError {
    StoreError::Conflict(format!("the run {id} has gone on, or was removed"))
}

/// A run as it is stored. Times are kept to the microsecond.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub submission: Submission,
    /// Number of jobs: items times samples.
    pub total: u64,
    pub created_at: Timestamp,
    pub status: RunStatus,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub cancel_requested_at: Option<Timestamp>,
    /// True if the calls in flight of the canceled run finish.
    pub cancel_graceful: bool,
    pub cursor: Cursor,
    pub stats: RunStats,
    pub pause: Option<Pause>,
    pub retry: RetryNote,
    pub resumption: Resumption,
    /// `seq` of the run's last event. 0 before the first event.
    pub seq: u64,
    /// Time of the last `run_progress` event.
    pub progress_at: Option<Timestamp>,
    /// Result of LightEval. `None` until it has ended, and for a run that it does not execute.
    pub lighteval: Option<LightevalOutcome>,
    /// Version of the scores that is being made anew.
    pub rescoring: Option<Rescoring>,
    /// Versions of the scores that were made anew. `None` if there was never one.
    pub rescores: Option<Rescores>,
    /// Judges of the answers, in their order. They are written like the settings, since their prompts may be large and a busy
    /// run is written often.
    pub judges: Vec<JudgeNote>,
    /// True while judges are at work, or have work to come. A run ends no sooner.
    pub judging: bool,
}

columns! {
    RunRow {
        fixed id,
        group submission,
        fixed total,
        fixed created_at,
        updated status,
        updated started_at,
        updated finished_at,
        updated cancel_requested_at,
        updated cancel_graceful,
        group cursor,
        updated stats,
        group pause,
        group retry,
        group resumption,
        updated seq,
        updated progress_at,
        updated lighteval,
        updated rescoring,
        updated rescores,
        fixed judges,
        updated judging,
    }
}

impl RunRow {
    /// Returns a run of `total` jobs none of which was fed yet.
    pub fn new(id: RunId, new: NewRun, total: u64, created_at: Timestamp) -> Self {
        Self {
            id,
            submission: Submission::new(id, new),
            total,
            created_at,
            status: RunStatus::Pending,
            started_at: None,
            finished_at: None,
            cancel_requested_at: None,
            cancel_graceful: false,
            cursor: Cursor::default(),
            stats: RunStats::default(),
            pause: None,
            retry: RetryNote::default(),
            resumption: Resumption::default(),
            seq: 0,
            progress_at: None,
            lighteval: None,
            rescoring: None,
            rescores: None,
            judges: Vec::new(),
            judging: false,
        }
    }

    /// Returns the number of jobs in the lane's queue or in flight, as far as the store knows: a job is counted as
    /// fed only after it was published.
    pub fn in_queue(&self) -> u64 {
        self.cursor.fed.saturating_sub(self.stats.settled() + self.cursor.deferred)
    }

    /// Returns the number of items of the run's dataset.
    pub fn items(&self) -> u64 {
        self.total / u64::from(self.submission.config.samples())
    }

    /// Returns true if the run takes over answers of earlier runs. Only a run that a user submits for an evaluation does.
    pub fn reuses_answers(&self) -> bool {
        self.submission.kind == RunKind::Evaluation && self.submission.config.reuse() == Reuse::Exact
    }

    /// Returns true if the calls of the run are those of clients, and it has no jobs.
    pub fn is_interactive(&self) -> bool {
        self.submission.kind == RunKind::Interactive
    }

    /// Returns true if LightEval executes the run, which has no jobs.
    pub fn is_of_lighteval(&self) -> bool {
        self.submission.kind == RunKind::Lighteval
    }

    /// Returns true if results may still come although all known jobs have one.
    pub(crate) fn is_open(&self) -> bool {
        self.is_interactive() || self.is_of_lighteval() && self.lighteval.is_none()
    }

    /// Returns true if jobs of the run may be fed: it is neither paused nor being canceled.
    pub const fn is_feedable(&self) -> bool {
        self.pause.is_none() && self.cancel_requested_at.is_none()
    }

    /// Returns a [`StoreError::Conflict`] unless the run has ended.
    pub(crate) fn require_ended(&self) -> Result<(), StoreError> {
        if self.status.is_terminal() {
            return Ok(());
        }
        Err(StoreError::Conflict(format!("the run {} is {}: cancel it first", self.id, self.status)))
    }

    pub fn paused_at(&self) -> Option<Timestamp> {
        self.pause.as_ref().map(|pause| pause.at)
    }

    pub fn pause_reason(&self) -> Option<&str> {
        self.pause.as_ref()?.reason.as_deref()
    }

    /// Returns the time at which a paused run resumes by itself.
    pub fn resume_at(&self) -> Option<Timestamp> {
        self.pause.as_ref()?.resume_at
    }

    /// Returns the parameters of the statement that writes the settings of a run: its id, then the columns.
    pub(crate) fn configuration(&self) -> [Value<'_>; 7] {
        let Submission { config, submitted_config, priority, budget, .. } = &self.submission;
        [
            self.id.to_value(),
            config.to_value(),
            submitted_config.to_value(),
            priority.to_value(),
            budget.to_value(),
            self.total.to_value(),
            self.judges.to_value(),
        ]
    }

    /// Returns the score by the version by which the run is shown.
    pub fn score(&self) -> ScoreSummary {
        self.summary(self.shown().map_or(&self.stats.scores, |shown| &shown.scores))
    }

    /// Returns the score of scores of this run.
    pub fn summary(&self, scores: &ScoreTally) -> ScoreSummary {
        scores.summary(self.total, self.submission.config.unscored())
    }

    /// Returns the version by which the run is shown. `None`: that of the executors.
    pub fn shown(&self) -> Option<&Rescore> {
        let rescores = self.rescores.as_ref()?;
        rescores.version(rescores.shown?)
    }

    pub fn progress(&self) -> RunProgress {
        RunProgress {
            run_id: self.id,
            counters: self.counters(),
            score: self.score(),
            usage: self.stats.usage,
            cost_usd: self.cost_usd(),
        }
    }

    pub fn counters(&self) -> RunCounters {
        RunCounters {
            total: self.total,
            fed: self.cursor.fed,
            settled: self.stats.settled(),
            deferred: self.cursor.deferred,
            succeeded: self.stats.outcome(Outcome::Succeeded),
            refused: self.stats.outcome(Outcome::Refused),
            truncated: self.stats.outcome(Outcome::Truncated),
            failed: self.stats.outcome(Outcome::Failed),
            canceled: self.stats.outcome(Outcome::Canceled),
            budget_stopped: self.stats.outcome(Outcome::BudgetStopped),
            calls: self.stats.calls,
            retries: self.stats.retries,
            duplicates: self.stats.duplicates,
            unreached: self.stats.unreached,
            untold_usage: self.stats.untold_usage,
            unpriced: self.stats.unpriced,
            reused: self.stats.reused,
        }
    }

    /// Returns what the recorded calls have used, and those of judges without a budget of their own.
    pub fn used(&self) -> BudgetUse {
        let RunStats { calls, usage, cost_nanousd, .. } = &self.stats;
        let own = BudgetUse {
            calls: *calls,
            tokens: usage.total_tokens(),
            nanousd: cost_nanousd.unwrap_or(0).unsigned_abs(),
        };
        let judges = self.judges.iter().filter(|note| !note.is_added).map(JudgeNote::used);
        judges.fold(own, |sum, of| BudgetUse {
            calls: sum.calls + of.calls,
            tokens: sum.tokens + of.tokens,
            nanousd: sum.nanousd + of.nanousd,
        })
    }

    /// Returns what is left of the run's budget, if it has one.
    pub fn budget_left(&self) -> Option<RunBudgetLeft> {
        Some(self.submission.budget()?.left(self.used()))
    }

    /// Returns the cost of the calls whose prices are known.
    pub fn cost_usd(&self) -> Option<f64> {
        self.stats.cost_nanousd.map(usd)
    }

    /// Returns this run as the answer to `asked`, which has the same idempotency key, if both ask for the same work.
    pub fn answer_again(self, asked: &Self) -> Result<Self, StoreError> {
        if self.submission.is_same_work(&asked.submission) {
            return Ok(self);
        }
        Err(StoreError::Conflict(format!(
            "the idempotency key was used for run {}, which has another provider, model, dataset or config",
            self.id
        )))
    }
}
