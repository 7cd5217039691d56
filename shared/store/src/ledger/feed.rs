//! What the feeder does to a run.

use jiff::Timestamp;
use runmill_proto::RunStatus;

use super::OpenRun;
use crate::time::micros;

impl OpenRun {
    /// The positions below `fed` are in the queue, and `refed` jobs that were deferred.
    pub fn mark_fed(&mut self, fed: u64, refed: u64, now: Timestamp) {
        let now = micros(now);
        self.row.fed = self.row.fed.max(fed).min(self.row.total);
        self.row.deferred = self.row.deferred.saturating_sub(refed);
        if self.row.status.is_terminal() {
            return;
        }
        if self.row.fed > 0 {
            self.start(now);
        }
        if refed > 0 && self.row.retry_after.take().is_some() {
            self.append_status();
        }
    }

    /// `lost` jobs that were in the queue are not, and were deferred.
    pub fn mark_lost(&mut self, lost: u64, now: Timestamp) {
        self.row.deferred += lost;
        if self.end_if_done(micros(now)) {
            self.append_status();
        }
    }

    /// Ends the run if its cancellation was requested at or before `before`; whether it did.
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
