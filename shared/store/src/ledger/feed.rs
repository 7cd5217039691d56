//! Changes of a run by the feeder and the reconciler.

use jiff::Timestamp;
use runmill_proto::RunStatus;

use super::LockedRun;
use crate::time::micros;

impl LockedRun {
    /// Records that the jobs at the positions below `fed`, and `refed` deferred jobs, are in the queue.
    pub fn mark_fed(&mut self, fed: u64, refed: u64, now: Timestamp) {
        let now = micros(now);
        let cursor = &mut self.row.cursor;
        cursor.fed = cursor.fed.max(fed).min(self.row.total);
        cursor.deferred = cursor.deferred.saturating_sub(refed);
        if self.row.status.is_terminal() {
            return;
        }
        if self.row.cursor.fed > 0 {
            self.start(now);
        }
        if refed > 0 && self.row.retry.after.take().is_some() {
            self.append_status();
        }
    }

    /// Records that `lost` jobs, which were no longer in the queue, were deferred. The run says so as a retry.
    pub fn mark_lost(&mut self, lost: u64, now: Timestamp) {
        let now = micros(now);
        self.row.cursor.deferred += lost;
        let retried = lost > 0 && self.row.is_feedable();
        if retried {
            let jobs = if lost == 1 { "a job was".to_owned() } else { format!("{lost} jobs were") };
            let reason = format!("{jobs} in no queue and at no executor any more, and will be fed again");
            self.row.retry.schedule(now, reason, now);
        }
        if self.end_if_done(now) || retried {
            self.append_status();
        }
    }

    /// Ends the run if its cancellation was requested at or before `before`. Returns true if it did.
    pub fn end_canceled(&mut self, before: Timestamp, now: Timestamp) -> bool {
        let requested = self.row.cancel_requested_at.is_some_and(|at| at <= before);
        let ends = requested && !self.row.status.is_terminal();
        if ends {
            self.end(RunStatus::Canceled, micros(now));
            self.append_status();
        }
        ends
    }
}
