use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{Outcome, RunId, RunStatus, api::RunEvent, message::Deferred};

use super::{NewPage, event, page};
use crate::{RunRow, SeriesPoint, time::micros};

/// Runs of a batch, all under the locks of their rows.
pub type LockedRuns = BTreeMap<RunId, LockedRun>;

/// A run under the lock of its row, with the changes to write back.
#[derive(Clone, Debug)]
pub struct LockedRun {
    pub row: RunRow,
    events: Vec<RunEvent>,
    series: Vec<SeriesPoint>,
    drops_deferred: bool,
    is_configured: bool,
}

/// Shortest time between two `run_progress` events: at most five a second are written.
const PROGRESS_EVERY: SignedDuration = SignedDuration::from_millis(200);

impl LockedRun {
    pub const fn new(row: RunRow) -> Self {
        Self { row, events: Vec::new(), series: Vec::new(), drops_deferred: false, is_configured: false }
    }

    /// Returns a new run with its first event.
    pub fn created(row: &RunRow) -> Self {
        let row = RunRow { created_at: micros(row.created_at), ..row.clone() };
        let mut run = Self::new(row);
        run.append_status();
        run
    }

    /// Returns true if the items of the run have several samples.
    pub(super) fn has_samples(&self) -> bool {
        self.row.submission.config.samples() > 1
    }

    /// Returns true for a deferral that could pause the run for a reason from before its last resumption. A user who
    /// resumes a run has removed that reason.
    pub(super) fn is_outdated(&self, deferred: &Deferred) -> bool {
        (deferred.pause || deferred.unreachable)
            && self.row.resumption.last_at.is_some_and(|resumed| deferred.call.ended_at() <= resumed)
    }

    /// Returns the time at which a deferred job has to be fed again.
    pub(super) fn due(&self, deferred: &Deferred) -> Timestamp {
        if self.is_outdated(deferred) { deferred.call.ended_at() } else { deferred.not_before }
    }

    /// Returns the events to append. Their last `seq` is the row's.
    pub fn pages(&self) -> Vec<NewPage> {
        page::write_pages(self.row.id, self.row.seq - self.events.len() as u64 + 1, &self.events)
    }

    /// Returns the intervals that have ended.
    pub fn series(&self) -> &[SeriesPoint] {
        &self.series
    }

    /// Returns the interval around `now`, to count logs that are written then.
    pub(super) fn interval(&mut self, now: Timestamp) -> &mut SeriesPoint {
        let started_at = self.row.started_at.unwrap_or(self.row.created_at);
        let ended = self.row.stats.series.take_if(|point| point.is_over(now));
        self.series.extend(ended.map(|point| *point));
        self.row.stats.series.get_or_insert_with(|| Box::new(SeriesPoint::begin(started_at, now)))
    }

    /// Returns true if the run's deferred jobs have to be deleted, because it ended and they will never be fed.
    pub const fn drops_deferred(&self) -> bool {
        self.drops_deferred
    }

    /// Returns true if settings of the run have changed, which have to be written, too.
    pub const fn is_configured(&self) -> bool {
        self.is_configured
    }

    /// Notes that settings of the run have changed.
    pub(super) const fn configured(&mut self) {
        self.is_configured = true;
    }

    pub(super) fn append(&mut self, event: RunEvent) {
        self.row.seq += 1;
        self.events.push(event);
    }

    pub(super) fn append_status(&mut self) {
        self.append(event::status(&self.row));
    }

    pub(super) fn append_progress(&mut self, now: Timestamp, even_if_early: bool) {
        let due = self.row.progress_at.is_none_or(|last| now >= last + PROGRESS_EVERY);
        if due || even_if_early {
            self.row.progress_at = Some(now);
            self.append(event::progress(&self.row));
        }
    }

    /// Starts a pending run, because a job of it was put into the queue.
    pub(super) fn start(&mut self, now: Timestamp) {
        if self.row.status == RunStatus::Pending {
            self.row.status = RunStatus::Running;
            self.row.started_at = Some(now);
            self.append_status();
        }
    }

    /// Ends the run if no further result can come. Returns true if it ended the run; the caller then appends the
    /// event.
    pub(super) fn end_if_done(&mut self, now: Timestamp) -> bool {
        if self.row.status.is_terminal() {
            return false;
        }
        if self.row.judging {
            return false;
        }
        // A run without jobs is never done by itself, and one of LightEval not before LightEval has ended.
        let settled = !self.row.is_open() && self.row.stats.settled() >= self.row.total;
        let canceled = self.row.cancel_requested_at.is_some();
        let has_canceled_jobs =
            self.row.stats.outcome(Outcome::Canceled) > 0 || self.row.has_canceled_judge();
        if settled && !(canceled && has_canceled_jobs) {
            // A job with a result was in the queue, though its feeder may not have recorded that yet.
            self.row.cursor.fed = self.row.total;
            self.end(RunStatus::Completed, now);
            return true;
        }
        let done = canceled && (settled || self.row.in_queue() == 0);
        if done {
            self.end(RunStatus::Canceled, now);
        }
        done
    }

    pub(super) fn end(&mut self, status: RunStatus, now: Timestamp) {
        self.drops_deferred = self.row.cursor.deferred > 0;
        let row = &mut self.row;
        row.status = status;
        row.finished_at = Some(now);
        row.cursor.deferred = 0;
        row.retry.after = None;
        row.pause = None;
        row.rescoring = row.next_further();
    }
}
