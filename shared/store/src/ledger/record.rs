//! What a batch of messages does to its runs.

use jiff::Timestamp;
use runmill_proto::message::{Deferred, Invocation};

use super::{Intake, News, OpenRun, OpenRuns, event};
use crate::{LogEntry, Written, time::micros};

/// Why jobs of a run came back.
#[derive(Default)]
struct Interruption {
    /// The first to be due again, and why.
    retry: Option<(Timestamp, String)>,
    /// Why the run must stop.
    pause: Option<String>,
    /// The first moment at which it may go on by itself.
    resume_at: Option<Timestamp>,
}

impl Intake<'_> {
    /// Moves the runs by what was new. Returns, with what was written, the runs to write back.
    pub fn record(self, mut news: News, mut runs: OpenRuns, now: Timestamp) -> (Written, OpenRuns) {
        let now = micros(now);
        let (by_run, mut written) = self.by_run();
        written.results = news.settled.len() as u64;
        runs.retain(|id, _| by_run.contains_key(id));
        for (id, entries) in by_run {
            let run = runs.get_mut(&id).expect("an intake holds only messages of runs that are there");
            let (was_paused, was_ended) = (run.row.paused_at.is_some(), run.row.status.is_terminal());
            run.record(&entries, &mut news, now);
            if run.row.paused_at.is_some() && !was_paused {
                written.paused.push(id);
            }
            if run.row.status.is_terminal() && !was_ended {
                written.ended.push(id);
            }
        }
        (written, runs)
    }
}

impl OpenRun {
    /// Whether the message is of the run's current pass: what came of an earlier one no longer counts.
    pub(super) fn is_current(&self, entry: &LogEntry) -> bool {
        entry.epoch() == self.row.epoch
    }

    fn record(&mut self, entries: &[&LogEntry], news: &mut News, now: Timestamp) {
        self.start(now);
        self.row.deferred =
            self.row.deferred.saturating_sub(news.undeferred.remove(&self.row.id).unwrap_or_default());
        let mut interruption = Interruption::default();
        for entry in entries {
            let is_current = self.is_current(entry);
            match entry {
                LogEntry::Invocation(invocation) => self.record_invocation(invocation, is_current, news),
                LogEntry::Deferred(deferred) => {
                    let is_new = is_current && news.deferred.remove(&deferred.key());
                    self.record_deferred(deferred, is_new);
                    if is_current && !self.is_outdated(deferred) {
                        interruption.add(deferred, is_new, now);
                    }
                }
            }
        }
        let interrupted = self.interrupt(interruption, now);
        let ended = self.end_if_done(now);
        self.append_progress(now, interrupted || ended);
        if interrupted || ended {
            self.append_status();
        }
    }

    fn record_invocation(&mut self, invocation: &Invocation, is_current: bool, news: &mut News) {
        self.row.stats.charge(&invocation.call);
        for failed in event::failed_attempts(invocation.key(), &invocation.call) {
            self.append(failed);
        }
        self.append(event::invocation(invocation));
        if !is_current {
            return;
        }
        // The first message of a job is the one that was inserted, so it is the one that settles.
        if news.settled.remove(&invocation.key()) {
            self.row.stats.settle(invocation);
            self.append(event::item(invocation));
        } else {
            self.row.stats.duplicates += 1;
        }
    }

    fn record_deferred(&mut self, deferred: &Deferred, is_new: bool) {
        self.row.stats.charge(&deferred.call);
        self.row.deferred += u64::from(is_new);
        for failed in event::failed_attempts(deferred.key(), &deferred.call) {
            self.append(failed);
        }
        self.append(event::deferral(deferred));
    }

    /// Pauses the run or schedules its retry; whether it did either.
    fn interrupt(&mut self, interruption: Interruption, now: Timestamp) -> bool {
        let row = &mut self.row;
        if row.status.is_terminal() {
            return false;
        }
        let pause = interruption.pause.filter(|_| row.paused_at.is_none());
        let mut interrupted = pause.is_some();
        if let Some(reason) = pause {
            row.paused_at = Some(now);
            row.pause_reason = Some(reason);
            // One that is being canceled never goes on.
            row.resume_at = interruption.resume_at.filter(|_| row.cancel_requested_at.is_none());
        }
        // A run that is paused or being canceled feeds nothing again.
        let feeds = row.paused_at.is_none() && row.cancel_requested_at.is_none();
        let retry = interruption.retry.filter(|_| feeds);
        interrupted |= retry.is_some();
        if let Some((not_before, reason)) = retry {
            row.retry_count += 1;
            row.retry_requested_at = Some(now);
            row.retry_reason = Some(reason);
            row.retry_after = Some(micros(not_before));
        }
        interrupted
    }
}

impl Interruption {
    fn add(&mut self, deferred: &Deferred, is_new: bool, now: Timestamp) {
        if deferred.pause {
            self.pause.get_or_insert_with(|| deferred.reason.clone());
            // What was written too late may have to be tried again at once.
            let not_before = micros(deferred.not_before).max(now);
            self.resume_at = Some(self.resume_at.map_or(not_before, |first| first.min(not_before)));
        } else if is_new && self.retry.as_ref().is_none_or(|(first, _)| deferred.not_before < *first) {
            self.retry = Some((deferred.not_before, deferred.reason.clone()));
        }
    }
}
