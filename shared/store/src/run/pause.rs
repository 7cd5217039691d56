use jiff::Timestamp;
use runmill_proto::PauseCause;

use crate::columns::columns;

/// Current pause of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub at: Timestamp,
    pub reason: Option<String>,
    /// Cause of a pause that no user requested. `None` for a user's pause, and for one that an earlier release made.
    pub cause: Option<PauseCause>,
    /// Time at which the run resumes by itself; `None` if a user has to resume it.
    pub resume_at: Option<Timestamp>,
}

columns! {
    Pause {
        updated at as paused_at,
        updated reason as pause_reason,
        updated cause as pause_cause,
        updated resume_at,
    }
}

impl Pause {
    /// Returns true if a budget is used up: the run's own or that of the provider's day.
    pub const fn is_of_budget(&self) -> bool {
        matches!(self.cause, Some(PauseCause::Budget | PauseCause::DayBudget))
    }

    /// Returns true if no user requested this pause.
    pub const fn is_automatic(&self) -> bool {
        self.cause.is_some() || self.resume_at.is_some()
    }

    /// Returns true if no user requested this pause, and a change of the provider may remove its reason.
    pub const fn may_end_by_change(&self) -> bool {
        self.is_automatic() && !self.is_of_budget()
    }
}
