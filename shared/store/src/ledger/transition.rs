//! Changes of a run by users and by a restarted process.

use jiff::Timestamp;
use runmill_proto::{Outcome, RunStatus};

use super::LockedRun;
use crate::{Pause, RunRow, StoreError, Transition, time::micros};

/// Jobs that are moved before a transition is made. The transition then gets their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Nothing,
    /// Deferred jobs become due now.
    DeferredToNow,
    /// Results of failed jobs are deleted, and the jobs become due now as if they had never been fed.
    FailedToNow,
    /// Jobs that were fed, have no result and are not deferred become due now.
    LostToNow,
}

/// Returns the jobs that `transition` moves, or the reason why the run refuses it.
pub fn plan(row: &RunRow, transition: &Transition) -> Result<Move, StoreError> {
    let ended = row.status.is_terminal();
    match transition {
        Transition::RetryFailed if !ended => {
            conflict("has not ended: its failed jobs can be tried again then", row)
        }
        Transition::RetryFailed if row.status == RunStatus::Canceled => conflict("was canceled", row),
        Transition::RetryFailed if row.stats.outcome(Outcome::Failed) == 0 => {
            conflict("has no failed jobs", row)
        }
        Transition::RetryFailed => Ok(Move::FailedToNow),
        Transition::Resume if row.pause.is_none() => conflict("is not paused", row),
        Transition::ResumeByItself if row.resume_at().is_none() => conflict("does not resume by itself", row),
        Transition::Resume | Transition::ResumeByItself => Ok(Move::DeferredToNow),
        Transition::Cancel | Transition::Pause { .. } | Transition::Recover if ended => {
            conflict("has ended", row)
        }
        Transition::Cancel | Transition::Pause { .. } => Ok(Move::Nothing),
        Transition::Recover => Ok(Move::LostToNow),
    }
}

fn conflict(why: &str, row: &RunRow) -> Result<Move, StoreError> {
    Err(StoreError::Conflict(format!("run {} {why} (it is {})", row.id, row.status)))
}

impl LockedRun {
    /// Makes the planned transition. `moved` is the number of jobs that were moved for it.
    pub fn carry_out(&mut self, transition: &Transition, moved: u64, now: Timestamp) {
        let now = micros(now);
        let changed = match transition {
            Transition::Cancel => self.cancel(now),
            Transition::Pause { reason } => self.pause(reason, now),
            Transition::Resume | Transition::ResumeByItself => self.resume(now),
            Transition::RetryFailed => self.retry_failed(moved, now),
            Transition::Recover => self.recover(moved, now),
        };
        if changed {
            self.append_status();
        }
    }

    fn cancel(&mut self, now: Timestamp) -> bool {
        if self.row.cancel_requested_at.is_some() {
            return false;
        }
        self.row.cancel_requested_at = Some(now);
        self.row.retry.after = None;
        if let Some(pause) = &mut self.row.pause {
            pause.resume_at = None;
        }
        self.end_if_done(now);
        true
    }

    fn pause(&mut self, reason: &str, now: Timestamp) -> bool {
        if let Some(pause) = &mut self.row.pause {
            return pause.resume_at.take().is_some();
        }
        self.row.pause = Some(Pause { at: now, reason: Some(reason.to_owned()), resume_at: None });
        true
    }

    fn resume(&mut self, now: Timestamp) -> bool {
        self.row.pause = None;
        self.row.retry.after = self.row.retry.after.map(|_| now);
        self.row.resumption.add(now);
        true
    }

    fn retry_failed(&mut self, moved: u64, now: Timestamp) -> bool {
        let row = &mut self.row;
        row.stats.forget_failures();
        row.status = RunStatus::Running;
        row.finished_at = None;
        row.cursor.epoch += 1;
        row.cursor.deferred += moved;
        row.retry.schedule(now, "Retry of failed items requested.".to_owned(), now);
        true
    }

    fn recover(&mut self, moved: u64, now: Timestamp) -> bool {
        self.row.cursor.deferred += moved;
        self.row.resumption.add(now);
        self.end_if_done(now);
        true
    }
}
