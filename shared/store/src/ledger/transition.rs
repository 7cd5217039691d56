//! Changes of a run by users and by a restarted process.

use jiff::Timestamp;
use runmill_proto::{Outcome, PauseCause, RunStatus};

use super::LockedRun;
use crate::{Pause, RunRow, StoreError, Transition, time::micros};

/// Jobs that are moved before a transition is made. The transition then gets their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Nothing,
    /// Deferred jobs become due now.
    DeferredToNow,
    /// Deferred jobs become due now. Results of failed jobs are deleted, and these jobs, which are the ones that are
    /// counted, become due now as if they had never been fed.
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
        Transition::RetryFailed if row.status == RunStatus::Canceled => Err(StoreError::Conflict(format!(
            "run {} was canceled: its failed jobs are not tried again",
            row.id
        ))),
        Transition::RetryFailed if row.stats.outcome(Outcome::Failed) == 0 => {
            conflict("has no failed jobs", row)
        }
        Transition::RetryFailed => Ok(Move::FailedToNow),
        Transition::Resume if row.pause.is_none() => conflict("is not paused", row),
        Transition::ResumeByItself if row.resume_at().is_none() => conflict("does not resume by itself", row),
        Transition::ResumeAfterChange if !row.pause.as_ref().is_some_and(Pause::may_end_by_change) => {
            conflict("was not paused because of its provider", row)
        }
        Transition::ResumeAfterBudget { cause }
            if row.pause.as_ref().is_none_or(|pause| pause.cause != Some(*cause)) =>
        {
            conflict("was not paused because of this budget", row)
        }
        Transition::Resume
        | Transition::ResumeByItself
        | Transition::ResumeAfterChange
        | Transition::ResumeAfterBudget { .. } => {
            Ok(if begins_anew(row) { Move::FailedToNow } else { Move::DeferredToNow })
        }
        Transition::PauseFailing { trial_calls } if row.trial_fault(*trial_calls).is_none() => {
            conflict("has not failed its trial", row)
        }
        Transition::Cancel | Transition::Pause { .. } | Transition::Recover if ended => {
            conflict("has ended", row)
        }
        Transition::Cancel | Transition::Pause { .. } | Transition::PauseFailing { .. } => Ok(Move::Nothing),
        Transition::Recover => Ok(Move::LostToNow),
    }
}

/// Returns true if a resumed run begins its trial anew, with the jobs that failed. Jobs in flight would be lost with
/// the pass that they belong to, so there must be none.
fn begins_anew(row: &RunRow) -> bool {
    row.is_on_trial() && row.in_queue() == 0 && row.stats.outcome(Outcome::Failed) > 0
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
            Transition::PauseFailing { trial_calls } => self.pause_failing(*trial_calls, now),
            Transition::Resume
            | Transition::ResumeByItself
            | Transition::ResumeAfterChange
            | Transition::ResumeAfterBudget { .. } => self.resume(moved, now),
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
            (pause.cause, pause.resume_at) = (None, None);
        }
        self.end_if_done(now);
        true
    }

    fn pause(&mut self, reason: &str, now: Timestamp) -> bool {
        if let Some(pause) = &mut self.row.pause {
            pause.cause = None;
            return pause.resume_at.take().is_some();
        }
        self.row.pause =
            Some(Pause { at: now, reason: Some(reason.to_owned()), cause: None, resume_at: None });
        true
    }

    fn pause_failing(&mut self, trial_calls: u32, now: Timestamp) -> bool {
        let reason = self.row.trial_fault(trial_calls);
        self.row.pause = Some(Pause { at: now, reason, cause: Some(PauseCause::Failing), resume_at: None });
        true
    }

    fn resume(&mut self, moved: u64, now: Timestamp) -> bool {
        if begins_anew(&self.row) {
            self.begin_pass(moved);
        }
        self.row.pause = None;
        self.row.retry.after = self.row.retry.after.map(|_| now);
        self.row.resumption.add(now);
        true
    }

    fn retry_failed(&mut self, moved: u64, now: Timestamp) -> bool {
        self.begin_pass(moved);
        let row = &mut self.row;
        row.status = RunStatus::Running;
        row.finished_at = None;
        row.retry.schedule(now, "Retry of failed items requested.".to_owned(), now);
        true
    }

    /// Begins a pass in which the failed jobs, of which there are `failed`, are tried again.
    fn begin_pass(&mut self, failed: u64) {
        self.row.stats.forget_failures();
        self.row.cursor.epoch += 1;
        self.row.cursor.deferred += failed;
    }

    fn recover(&mut self, moved: u64, now: Timestamp) -> bool {
        self.row.cursor.deferred += moved;
        self.row.resumption.add(now);
        self.end_if_done(now);
        true
    }
}
