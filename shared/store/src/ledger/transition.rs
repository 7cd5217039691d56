//! Changes of a run by users and by a restarted process.

use std::collections::BTreeSet;

use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, Judge, Outcome, PauseCause, RunKind, RunStatus, Scoring, Texts, api::RunPatch,
};

use super::LockedRun;
use crate::{JudgeNote, Pause, Rescoring, RunRow, StoreError, Transition, VERSIONS_MAX, time::micros};

/// Jobs that are moved before a transition is made. The transition then gets their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    Nothing,
    /// Deferred jobs become due now.
    DeferredToNow,
    /// Deferred jobs become due now. Results of jobs that failed with one of these kinds, or of all failed jobs if there
    /// is no kind, are deleted, and these jobs, which are the ones that are counted, become due now as if they had never
    /// been fed.
    FailedToNow(BTreeSet<ErrorKind>),
    /// Jobs that were fed, have no result and are not deferred become due now.
    LostToNow,
}

/// Returns the jobs that `transition` moves, or the reason why the run refuses it.
pub fn plan(row: &RunRow, transition: &Transition) -> Result<Move, StoreError> {
    let ended = row.status.is_terminal();
    match transition {
        Transition::RetryFailed { kinds } => plan_retry(row, kinds),
        Transition::Extend { samples } => plan_extension(row, *samples),
        Transition::Rescore { .. } => plan_rescoring(row),
        Transition::NoteRescoring { rescoring, from, .. } => {
            let is_there = |now: &Rescoring| {
                (now.version, &now.scoring, now.is_further, now.after)
                    == (rescoring.version, &rescoring.scoring, rescoring.is_further, *from)
            };
            let is_there = row.rescoring.as_ref().is_some_and(is_there);
            if is_there { Ok(Move::Nothing) } else { conflict("is scored anew elsewhere", row) }
        }
        Transition::Judge { judges } => plan_judges(row, judges.len()),
        Transition::NoteJudges { judges, .. } => {
            let ids = |notes: &[JudgeNote]| notes.iter().map(|note| note.progress.run_id).collect::<Vec<_>>();
            let are_there = row.judging && ids(&row.judges) == ids(judges);
            if are_there { Ok(Move::Nothing) } else { conflict("has other judges", row) }
        }
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
            Ok(if begins_anew(row) { Move::FailedToNow(BTreeSet::new()) } else { Move::DeferredToNow })
        }
        Transition::Pause { .. } if row.is_of_lighteval() && !ended => {
            refuse(format!("run {} is executed by LightEval, which cannot pause: cancel it", row.id))
        }
        Transition::EndDay if ended || !row.is_interactive() => conflict("has no day that is over", row),
        Transition::PauseFailing { trial_calls } if row.trial_fault(*trial_calls).is_none() => {
            conflict("has not failed its trial", row)
        }
        Transition::Cancel
        | Transition::CancelGracefully
        | Transition::Pause { .. }
        | Transition::Change(_)
        | Transition::Recover
            if ended =>
        {
            conflict("has ended", row)
        }
        Transition::Cancel
        | Transition::CancelGracefully
        | Transition::Pause { .. }
        | Transition::PauseFailing { .. }
        | Transition::EndDay
        | Transition::Change(_) => Ok(Move::Nothing),
        Transition::Recover => Ok(Move::LostToNow),
    }
}

fn plan_retry(row: &RunRow, kinds: &BTreeSet<ErrorKind>) -> Result<Move, StoreError> {
    if !row.status.is_terminal() {
        return conflict("has not ended: its failed jobs can be tried again then", row);
    }
    if row.status == RunStatus::Canceled {
        return refuse(format!("run {} was canceled: its failed jobs are not tried again", row.id));
    }
    if row.is_of_lighteval() {
        return refuse(format!("run {} was executed by LightEval: submit a new run instead", row.id));
    }
    if row.stats.outcome(Outcome::Failed) == 0 {
        return conflict("has no failed jobs", row);
    }
    if row.stats.failed_with(kinds) == 0 {
        let names: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        return refuse(format!("run {} has no jobs that failed with {}", row.id, names.join(" or ")));
    }
    Ok(Move::FailedToNow(kinds.clone()))
}

fn plan_extension(row: &RunRow, samples: u32) -> Result<Move, StoreError> {
    let is_canceled = !row.status.is_terminal() && row.cancel_requested_at.is_some();
    if is_canceled || row.status == RunStatus::Canceled {
        return refuse(format!("run {} was canceled: it gets no more samples", row.id));
    }
    if row.is_interactive() {
        return refuse(format!("run {} has no items: it gets no samples", row.id));
    }
    if row.is_of_lighteval() {
        return refuse(format!("run {} is executed by LightEval, which asks each question once", row.id));
    }
    if row.submission.kind == RunKind::Batch {
        return refuse(format!("run {} is a client's batch: each of its lines has one answer", row.id));
    }
    let there = row.submission.config.samples();
    if samples < there {
        return refuse(format!("run {} has {there} samples of each item: it cannot have fewer", row.id));
    }
    Ok(Move::Nothing)
}

fn plan_rescoring(row: &RunRow) -> Result<Move, StoreError> {
    if !row.status.is_terminal() {
        return conflict("has not ended: its answers can be scored anew then", row);
    }
    if row.is_of_lighteval() {
        return refuse(format!("run {} was executed by LightEval, which has scored it", row.id));
    }
    if row.is_interactive() || row.submission.kind == RunKind::Batch {
        return refuse(format!("run {} has the calls of clients, which are not scored", row.id));
    }
    if row.is_of_judge() {
        return refuse(format!("run {} has the verdicts of a judge: judge its answers anew", row.id));
    }
    if row.submission.config.stored_job().texts != Texts::All {
        return refuse(format!(
            "run {} keeps no answers (its `texts` say so): they cannot be scored",
            row.id
        ));
    }
    let versions = row.rescores.as_ref().map_or(0, |rescores| rescores.versions.len());
    if versions >= VERSIONS_MAX {
        return refuse(format!(
            "run {} has {VERSIONS_MAX} versions of its scores, and cannot have more",
            row.id
        ));
    }
    Ok(Move::Nothing)
}

fn plan_judges(row: &RunRow, more: usize) -> Result<Move, StoreError> {
    if !row.status.is_terminal() {
        return conflict("has not ended: its answers can be judged anew then", row);
    }
    if row.is_of_lighteval() || row.is_interactive() || row.is_of_judge() {
        return refuse(format!("run {} has no answers to items of a dataset: none can be judged", row.id));
    }
    if row.submission.kind == RunKind::Batch {
        return refuse(format!("run {} has the calls of clients, which are not judged", row.id));
    }
    if row.submission.config.stored_job().texts != Texts::All {
        return refuse(format!("run {} keeps no answers (its `texts` say so): none can be judged", row.id));
    }
    if row.judges.len() + more > Judge::COUNT_MAX {
        return refuse(format!("run {} would have more than {} judges", row.id, Judge::COUNT_MAX));
    }
    Ok(Move::Nothing)
}

/// Returns true if a resumed run begins its trial anew, with the jobs that failed. Jobs in flight would be lost with
/// the pass that they belong to, so there must be none.
fn begins_anew(row: &RunRow) -> bool {
    row.is_on_trial() && row.in_queue() == 0 && row.stats.outcome(Outcome::Failed) > 0
}

fn conflict(why: &str, row: &RunRow) -> Result<Move, StoreError> {
    refuse(format!("run {} {why} (it is {})", row.id, row.status))
}

const fn refuse(why: String) -> Result<Move, StoreError> {
    Err(StoreError::Conflict(why))
}

impl LockedRun {
    /// Makes the planned transition. `moved` is the number of jobs that were moved for it.
    pub fn carry_out(&mut self, transition: &Transition, moved: u64, now: Timestamp) {
        let now = micros(now);
        let changed = match transition {
            Transition::Cancel => self.cancel(false, now),
            Transition::CancelGracefully => self.cancel(true, now),
            Transition::Pause { reason } => self.pause(reason, now),
            Transition::PauseFailing { trial_calls } => self.pause_failing(*trial_calls, now),
            Transition::Resume
            | Transition::ResumeByItself
            | Transition::ResumeAfterChange
            | Transition::ResumeAfterBudget { .. } => self.resume(moved, now),
            Transition::RetryFailed { kinds } => self.retry_failed(kinds, moved, now),
            Transition::Change(patch) => self.change(patch),
            Transition::Extend { samples } => self.extend(*samples),
            Transition::EndDay => self.end_day(now),
            Transition::Rescore { scoring } => self.rescore(scoring.as_ref()),
            Transition::NoteRescoring { rescoring, is_done, .. } => {
                self.note_rescoring(rescoring, *is_done, now)
            }
            Transition::Judge { judges } => self.judge(judges),
            Transition::NoteJudges { judges, is_done } => self.note_judges(judges, *is_done, now),
            Transition::Recover => self.recover(moved, now),
        };
        if changed {
            self.append_status();
        }
    }

    fn cancel(&mut self, graceful: bool, now: Timestamp) -> bool {
        let drops_calls = self.row.cancel_graceful && !graceful;
        if self.row.cancel_requested_at.is_some() && !drops_calls {
            return false;
        }
        self.row.cancel_requested_at = Some(now);
        self.row.cancel_graceful = graceful;
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
            self.begin_pass(&BTreeSet::new(), moved);
        }
        self.row.pause = None;
        self.row.retry.after = self.row.retry.after.map(|_| now);
        self.row.resumption.add(now);
        true
    }

    fn retry_failed(&mut self, kinds: &BTreeSet<ErrorKind>, moved: u64, now: Timestamp) -> bool {
        self.begin_pass(kinds, moved);
        self.reopen();
        self.row.retry.schedule(now, "Retry of failed items requested.".to_owned(), now);
        true
    }

    fn rescore(&mut self, scoring: Option<&Scoring>) -> bool {
        let is_asked = |now: &Rescoring| now.scoring.as_ref() == scoring && !now.is_further;
        if self.row.rescoring.as_ref().is_some_and(is_asked) {
            return false;
        }
        let versions = self.row.rescores.as_ref().map_or(0, |rescores| rescores.versions.len());
        let version = u32::try_from(versions).unwrap_or(u32::MAX).saturating_add(1);
        self.row.rescoring = Some(Rescoring::new(version, scoring.cloned()));
        true
    }

    fn note_rescoring(&mut self, rescoring: &Rescoring, is_done: bool, now: Timestamp) -> bool {
        if !is_done {
            self.row.rescoring = Some(rescoring.clone());
            return false;
        }
        let made_at = self.row.finished_at.map_or(now, |ended_at| ended_at.max(now));
        let rescores = self.row.rescores.get_or_insert_default();
        if !rescoring.is_further {
            rescores.shown = Some(rescoring.version);
        }
        rescores.put(rescoring.clone().completed(made_at));
        self.row.rescoring = self.row.next_further();
        true
    }

    fn judge(&mut self, judges: &[JudgeNote]) -> bool {
        self.row.judges.extend_from_slice(judges);
        self.row.judging = true;
        self.configured();
        true
    }

    fn note_judges(&mut self, judges: &[JudgeNote], is_done: bool, now: Timestamp) -> bool {
        let changed = self.row.judges != judges;
        if changed {
            self.row.judges = judges.to_vec();
            self.configured();
        }
        self.row.judging = !is_done;
        self.end_if_done(now) || changed || is_done
    }

    /// Lets a run that had completed go on. A cancel that came too late to end it is forgotten. The run is shown by the scores
    /// of the executors again, since the answers to come have no others.
    fn reopen(&mut self) {
        self.row.rescoring = None;
        self.row.judging = !self.row.judges.is_empty();
        if let Some(rescores) = &mut self.row.rescores {
            rescores.shown = None;
        }
        self.row.status = RunStatus::Running;
        self.row.finished_at = None;
        self.row.cancel_requested_at = None;
        self.row.cancel_graceful = false;
    }

    /// Changes settings. Returns false if all of them have these values already.
    fn change(&mut self, patch: &RunPatch) -> bool {
        let submission = &mut self.row.submission;
        let before = submission.clone();
        submission.priority = patch.priority.unwrap_or(before.priority);
        submission.budget = patch.budget.clone().unwrap_or_else(|| before.budget.clone());
        if let Some(most) = patch.concurrency.filter(|most| *most != before.config.concurrency()) {
            submission.reconfigure(|config| config.set_concurrency(most));
        }
        let changed = *submission != before;
        if changed {
            self.configured();
        }
        changed
    }

    /// Appends the positions of further samples. Returns false if there are as many samples already.
    fn extend(&mut self, samples: u32) -> bool {
        if samples == self.row.submission.config.samples() {
            return false;
        }
        self.row.total = self.row.items() * u64::from(samples);
        self.row.submission.reconfigure(|config| config.set_samples(samples));
        if self.row.status.is_terminal() {
            self.reopen();
        }
        self.configured();
        true
    }

    /// Begins a pass in which the jobs that failed with one of `kinds`, of which there are `failed`, are tried again.
    fn begin_pass(&mut self, kinds: &BTreeSet<ErrorKind>, failed: u64) {
        self.row.stats.forget_failures(kinds);
        self.row.cursor.epoch += 1;
        self.row.cursor.deferred += failed;
    }

    fn end_day(&mut self, now: Timestamp) -> bool {
        self.end(RunStatus::Completed, now);
        true
    }

    fn recover(&mut self, moved: u64, now: Timestamp) -> bool {
        self.row.cursor.deferred += moved;
        self.row.resumption.add(now);
        self.end_if_done(now);
        true
    }
}
