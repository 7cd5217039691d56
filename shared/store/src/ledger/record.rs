//! Changes of runs by a batch of messages.

use jiff::Timestamp;
use runmill_proto::{
    PauseCause,
    message::{Deferred, Invocation},
};

use super::{BatchPlan, LockedRun, LockedRuns, NewRows, event};
use crate::{LogEntry, Pause, Written, time::micros};

/// Changes of a run by the deferrals of a batch.
#[derive(Default)]
struct Interruption {
    /// Earliest time at which a job is due again, with the reason of its deferral.
    retry: Option<(Timestamp, String)>,
    /// Reason why the run must pause, with its cause.
    pause: Option<(String, PauseCause)>,
    /// Reason why the run must pause if its provider has never answered it.
    unreachable: Option<String>,
    /// Earliest time at which the run may resume by itself.
    resume_at: Option<Timestamp>,
}

impl BatchPlan<'_> {
    /// Changes the runs according to the new rows. Returns the counts of the batch, and the runs to write back.
    pub fn record(self, mut new: NewRows, mut runs: LockedRuns, now: Timestamp) -> (Written, LockedRuns) {
        let now = micros(now);
        let (by_run, mut written) = self.by_run();
        written.results = new.settled.len() as u64;
        runs.retain(|id, _| by_run.contains_key(id));
        for (id, entries) in by_run {
            let run = runs.get_mut(&id).expect("a plan holds only messages of runs that are there");
            let (was_paused, was_ended) = (run.row.pause.is_some(), run.row.status.is_terminal());
            run.record(&entries, &mut new, now);
            if run.row.pause.is_some() && !was_paused {
                written.paused.push(id);
            }
            if run.row.status.is_terminal() && !was_ended {
                written.ended.push(id);
            }
        }
        (written, runs)
    }
}

impl LockedRun {
    /// Returns true if the message is of the run's current pass. Results of an earlier pass do not count.
    pub(super) fn is_current(&self, entry: &LogEntry) -> bool {
        entry.epoch() == self.row.cursor.epoch
    }

    fn record(&mut self, entries: &[&LogEntry], new: &mut NewRows, now: Timestamp) {
        if entries.iter().any(|entry| entry.client().is_none()) {
            self.start(now);
        }
        let was_on_trial = self.row.is_on_trial();
        let undeferred = new.undeferred.remove(&self.row.id).unwrap_or_default();
        self.row.cursor.deferred = self.row.cursor.deferred.saturating_sub(undeferred);
        let mut interruption = Interruption::default();
        let settled_before = self.row.stats.settled();
        for entry in entries {
            let is_current = self.is_current(entry);
            match entry {
                LogEntry::Invocation(invocation) => self.record_invocation(invocation, is_current, new),
                LogEntry::Deferred(deferred) => {
                    let is_new = is_current && new.deferred.remove(&deferred.key());
                    self.record_deferred(deferred, is_new);
                    if is_current && !self.is_outdated(deferred) {
                        interruption.add(deferred, is_new, now);
                    }
                }
            }
        }
        let settled = self.row.stats.settled() - settled_before;
        let interval = self.interval(now);
        interval.settled += settled;
        for entry in entries {
            interval.charge(entry.call());
        }
        let resumes = was_on_trial && self.resume_if_answered(now);
        let interrupted = self.interrupt(interruption, now) || resumes;
        let ended = self.end_if_done(now);
        self.append_progress(now, interrupted || ended);
        if interrupted || ended {
            self.append_status();
        }
    }

    fn record_invocation(&mut self, invocation: &Invocation, is_current: bool, new: &mut NewRows) {
        self.row.stats.charge(&invocation.call);
        for failed in event::failed_attempts(invocation.key(), &invocation.call) {
            self.append(failed);
        }
        self.append(event::invocation(invocation));
        if invocation.client.is_some() {
            return self.row.stats.time(&invocation.call);
        }
        if !is_current {
            return;
        }
        // The first message of a job was inserted as its result, so only that one settles the job.
        if new.settled.remove(&invocation.key()) {
            let item = (invocation.run_id, invocation.ordinal);
            let cluster = self.has_samples().then(|| new.clusters.entry(item).or_default());
            self.row.stats.settle(invocation, cluster);
            self.append(event::item(invocation));
        } else {
            self.row.stats.duplicates += 1;
        }
    }

    fn record_deferred(&mut self, deferred: &Deferred, is_new: bool) {
        self.row.stats.charge(&deferred.call);
        self.row.cursor.deferred += u64::from(is_new);
        for failed in event::failed_attempts(deferred.key(), &deferred.call) {
            self.append(failed);
        }
        self.append(event::deferral(deferred));
    }

    /// Lets a run resume by itself that was paused before its first answer, if a call in flight has brought one: the
    /// cause does not concern the whole run. Returns true if it does.
    fn resume_if_answered(&mut self, now: Timestamp) -> bool {
        let row = &mut self.row;
        if row.is_on_trial() || row.cancel_requested_at.is_some() || row.status.is_terminal() {
            return false;
        }
        let Some(pause) = row.pause.as_mut().filter(|pause| pause.cause.is_some() && !pause.is_of_budget())
        else {
            return false;
        };
        pause.resume_at.get_or_insert(now);
        true
    }

    /// Pauses the run or schedules its retry. Returns true if it did either.
    fn interrupt(&mut self, interruption: Interruption, now: Timestamp) -> bool {
        let row = &mut self.row;
        if row.status.is_terminal() {
            return false;
        }
        let on_trial = row.is_on_trial();
        let unreachable = interruption.unreachable.map(|reason| (reason, PauseCause::Unreachable));
        let pause = interruption.pause.or(unreachable.filter(|_| on_trial)).filter(|_| row.pause.is_none());
        let mut interrupted = pause.is_some();
        if let Some((reason, cause)) = pause {
            // A run that was never answered has a fault that only a person can correct, as has one whose own budget is
            // used up. One that is being canceled never resumes.
            let may_resume = match cause {
                PauseCause::DayBudget => true,
                PauseCause::Budget => false,
                PauseCause::Refused | PauseCause::Unreachable | PauseCause::Failing => !on_trial,
            };
            let resumes = may_resume && row.cancel_requested_at.is_none();
            let resume_at = interruption.resume_at.filter(|_| resumes);
            row.pause = Some(Pause { at: now, reason: Some(reason), cause: Some(cause), resume_at });
        }
        let retry = interruption.retry.filter(|_| row.is_feedable());
        interrupted |= retry.is_some();
        if let Some((not_before, reason)) = retry {
            row.retry.schedule(micros(not_before), reason, now);
        }
        interrupted
    }
}

impl Interruption {
    fn add(&mut self, deferred: &Deferred, is_new: bool, now: Timestamp) {
        if deferred.unreachable {
            self.unreachable.get_or_insert_with(|| deferred.reason.clone());
        }
        if deferred.pause {
            let cause = deferred.pause_cause.unwrap_or(PauseCause::Refused);
            self.pause.get_or_insert_with(|| (deferred.reason.clone(), cause));
            // A deferral whose time has already passed is due at once.
            let not_before = micros(deferred.not_before).max(now);
            self.resume_at = Some(self.resume_at.map_or(not_before, |first| first.min(not_before)));
        } else if is_new && self.retry.as_ref().is_none_or(|(first, _)| deferred.not_before < *first) {
            self.retry = Some((deferred.not_before, deferred.reason.clone()));
        }
    }
}
