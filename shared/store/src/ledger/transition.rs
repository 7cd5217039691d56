//! What users, and a process that came back, ask of a run.

use jiff::Timestamp;
use runmill_proto::{Outcome, RunStatus};

use super::OpenRun;
use crate::{RunRow, StoreError, Transition, time::micros};

/// Jobs to move before the run is told how many were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Nothing,
    /// What was deferred is due now.
    DeferredToNow,
    /// Failed jobs lose their results and are deferred until now, as if they had never been fed.
    FailedToNow,
    /// Jobs that were fed, have no result and are not deferred are deferred until now.
    LostToNow,
}

/// What `transition` moves, or why it cannot be.
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
        Transition::Resume if row.paused_at.is_none() => conflict("is not paused", row),
        Transition::ResumeByItself if row.resume_at.is_none() => conflict("does not resume by itself", row),
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

impl OpenRun {
    /// Makes the transition that was planned, of which `moved` jobs were moved.
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
        self.row.retry_after = None;
        self.row.resume_at = None;
        self.end_if_done(now);
        true
    }

    fn pause(&mut self, reason: &str, now: Timestamp) -> bool {
        if self.row.paused_at.is_some() {
            return self.row.resume_at.take().is_some();
        }
        self.row.paused_at = Some(now);
        self.row.pause_reason = Some(reason.to_owned());
        true
    }

    fn resume(&mut self, now: Timestamp) -> bool {
        self.row.paused_at = None;
        self.row.pause_reason = None;
        self.row.resume_at = None;
        self.row.retry_after = self.row.retry_after.map(|_| now);
        self.count_resume(now);
        true
    }

    fn retry_failed(&mut self, moved: u64, now: Timestamp) -> bool {
        let row = &mut self.row;
        row.stats.forget_failures();
        row.status = RunStatus::Running;
        row.finished_at = None;
        row.epoch += 1;
        row.deferred += moved;
        row.retry_count += 1;
        row.retry_after = Some(now);
        row.retry_requested_at = Some(now);
        row.retry_reason = Some("Retry of failed items requested.".to_owned());
        true
    }

    fn recover(&mut self, moved: u64, now: Timestamp) -> bool {
        self.row.deferred += moved;
        self.count_resume(now);
        self.end_if_done(now);
        true
    }

    fn count_resume(&mut self, now: Timestamp) {
        self.row.resumed_count += 1;
        self.row.last_resumed_at = Some(now);
    }
}
