//! Status and counts of a batch, from its row and its run.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use runmill_proto::{Outcome, RunStatus};
use runmill_store::{BatchRow, RunRow};

/// Stage of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The lines were refused. There is no run.
    Refused,
    InProgress,
    /// The completion window is over, and calls in flight finish.
    Expiring,
    /// A client has canceled the batch, and calls in flight finish.
    Canceling,
    Completed,
    Expired,
    Canceled,
}

impl Phase {
    /// Returns the phase of a batch. A run that ended while its batch expired has completed.
    pub fn of(batch: &BatchRow, run: Option<&RunRow>) -> Self {
        let Some(run) = run else { return Self::Refused };
        let expires = batch.expired_at.is_some();
        match run.status {
            RunStatus::Completed | RunStatus::Failed => Self::Completed,
            RunStatus::Canceled if expires => Self::Expired,
            RunStatus::Canceled => Self::Canceled,
            RunStatus::Pending | RunStatus::Running => match run.cancel_requested_at {
                None => Self::InProgress,
                Some(_) if expires => Self::Expiring,
                Some(_) => Self::Canceling,
            },
        }
    }

    /// Returns true if nothing of the batch changes any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Refused | Self::Completed | Self::Expired | Self::Canceled)
    }
}

/// Numbers of a batch's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub total: u64,
    /// Lines with an answer.
    pub answered: u64,
    /// Lines that ended without an answer, canceled ones aside.
    pub failed: u64,
    /// Lines that were canceled.
    pub canceled: u64,
}

impl Counts {
    pub fn of(batch: &BatchRow, run: Option<&RunRow>) -> Self {
        let sum = |outcomes: &[Outcome]| {
            run.map_or(0, |run| outcomes.iter().map(|outcome| run.stats.outcome(*outcome)).sum())
        };
        Self {
            total: batch.total,
            answered: sum(&[Outcome::Succeeded, Outcome::Refused, Outcome::Truncated]),
            failed: sum(&[Outcome::Failed, Outcome::BudgetStopped]),
            canceled: sum(&[Outcome::Canceled]),
        }
    }

    /// Returns the number of lines without an answer or another end.
    pub const fn open(&self) -> u64 {
        self.total.saturating_sub(self.answered + self.failed + self.canceled)
    }
}

/// Returns the time at which the batch was over.
pub fn ended_at(batch: &BatchRow, run: Option<&RunRow>) -> Option<Timestamp> {
    match run {
        Some(run) => run.finished_at,
        None => Some(batch.created_at),
    }
}
