use jiff::Timestamp;

use crate::columns::columns;

/// Retries of a run that were scheduled, and the reason of the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryNote {
    pub count: u32,
    /// Time at which the jobs of the last interruption are due; `None` once they were fed or the run ended.
    pub after: Option<Timestamp>,
    pub requested_at: Option<Timestamp>,
    pub reason: Option<String>,
}

columns! {
    RetryNote {
        updated count as retry_count,
        updated after as retry_after,
        updated requested_at as retry_requested_at,
        updated reason as retry_reason,
    }
}

impl RetryNote {
    /// Counts a retry that begins at `after`.
    pub fn schedule(&mut self, after: Timestamp, reason: String, now: Timestamp) {
        self.count += 1;
        self.after = Some(after);
        self.requested_at = Some(now);
        self.reason = Some(reason);
    }
}
