use jiff::Timestamp;

use crate::columns::columns;

/// Current pause of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub at: Timestamp,
    pub reason: Option<String>,
    /// Time at which the run resumes by itself; `None` if a user has to resume it.
    pub resume_at: Option<Timestamp>,
}

columns! {
    Pause {
        updated at as paused_at,
        updated reason as pause_reason,
        updated resume_at,
    }
}
