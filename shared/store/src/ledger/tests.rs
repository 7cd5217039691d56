//! Keeps the tables as maps, to check the decisions for any order of the messages.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use runmill_proto::{
    ErrorKind, InvocationId, Outcome, RunId, RunStatus,
    api::{RunEvent, RunPatch},
    message::{Attempt, Call, Deferred, Invocation, JobKey},
    testing,
};
use uuid::Uuid;

use super::*;
use crate::{LogBatch, LogEntry, RunRow, Transition, Written};

const JOBS: u64 = 6;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000).unwrap() + SignedDuration::from_secs(second)
}

fn row(total: u64) -> RunRow {
    RunRow { created_at: at(0), ..crate::testing::run(RunId::from_uuid(Uuid::from_u128(1)), total) }
}

/// A store of one run that keeps its rows in maps.
struct Tables {
    run: LockedRun,
    calls: HashSet<InvocationId>,
    results: BTreeMap<JobKey, Outcome>,
    deferred: BTreeSet<JobKey>,
    events: Vec<RunEvent>,
}

impl Tables {
    fn new() -> Self {
        let run = LockedRun::created(&row(JOBS));
        let mut tables = Self {
            run,
            calls: HashSet::new(),
            results: BTreeMap::new(),
            deferred: BTreeSet::new(),
            events: Vec::new(),
        };
        tables.save();
        tables
    }

    /// Appends the events, whose `seq`s must be consecutive, and removes them from the locked run.
    fn save(&mut self) {
        for page in self.run.pages() {
            assert_eq!(page.first_seq, self.events.len() as u64 + 1, "seqs are dense");
            self.events.extend(read_page(page.first_seq, &page.events, 0).unwrap().events);
            assert_eq!(page.last_seq, self.events.len() as u64);
        }
        assert_eq!(self.run.row.seq, self.events.len() as u64);
        if self.run.drops_deferred() {
            self.deferred.clear();
        }
        self.run = LockedRun::new(self.run.row.clone());
    }

    fn write(&mut self, entries: &[LogEntry], now: Timestamp) -> Written {
        let batch = LogBatch(entries.to_vec());
        let runs = LockedRuns::from([(self.run.row.id, self.run.clone())]);
        // A message of a later pass than the run's is put aside alone.
        let Ok(mut plan) = BatchPlan::new(&batch, &runs) else { return self.write_each(entries, now) };
        let new =
            plan.calls().iter().map(|entry| entry.call().id).filter(|id| self.calls.insert(*id)).collect();
        plan.keep_new(&new);

        let mut new_rows = NewRows::default();
        for invocation in plan.results(&runs) {
            if self.results.contains_key(&invocation.key()) {
                continue;
            }
            self.results.insert(invocation.key(), invocation.outcome);
            new_rows.settled.insert(invocation.key());
            if self.deferred.remove(&invocation.key()) {
                *new_rows.undeferred.entry(invocation.run_id).or_default() += 1;
            }
        }
        for (deferral, _) in plan.deferrals(&runs) {
            if !self.results.contains_key(&deferral.key()) && self.deferred.insert(deferral.key()) {
                new_rows.deferred.insert(deferral.key());
            }
        }
        let (written, mut runs) = plan.record(new_rows, runs, now);
        if let Some(run) = runs.remove(&self.run.row.id) {
            self.run = run;
            self.save();
        }
        written
    }

    /// Writes each message alone, as a log-sink does with a batch that has one to put aside.
    fn write_each(&mut self, entries: &[LogEntry], now: Timestamp) -> Written {
        let mut sum = Written::default();
        for entry in entries.iter().filter(|_| entries.len() > 1) {
            let written = self.write(std::slice::from_ref(entry), now);
            sum.results += written.results;
            sum.redelivered += written.redelivered;
        }
        sum
    }

    fn feed(&mut self, fed: u64, now: Timestamp) {
        let refed = std::mem::take(&mut self.deferred).len() as u64;
        self.run.mark_fed(fed, refed, now);
        self.save();
    }

    fn transition(&mut self, transition: &Transition, now: Timestamp) {
        let Ok(what) = plan(&self.run.row, transition) else { return };
        let moved = match what {
            Move::Nothing => 0,
            Move::DeferredToNow => self.deferred.len() as u64,
            Move::FailedToNow(_) => self.fail_to_deferred(),
            Move::LostToNow => self.lost_to_deferred(),
        };
        self.run.carry_out(transition, moved, now);
        self.save();
    }

    fn fail_to_deferred(&mut self) -> u64 {
        let failed: Vec<_> = self
            .results
            .iter()
            .filter(|(_, outcome)| **outcome == Outcome::Failed)
            .map(|(key, _)| *key)
            .collect();
        for key in &failed {
            self.results.remove(key);
            self.deferred.insert(*key);
        }
        failed.len() as u64
    }

    fn lost_to_deferred(&mut self) -> u64 {
        let before = self.deferred.len();
        let fed = u32::try_from(self.run.row.cursor.fed).unwrap();
        if self.run.row.in_queue() > 0 {
            let lost = (0..fed).map(key).filter(|key| !self.results.contains_key(key));
            self.deferred.extend(lost.collect::<Vec<_>>());
        }
        (self.deferred.len() - before) as u64
    }

    fn assert_counters_equal_rows(&self) {
        let row = &self.run.row;
        for outcome in Outcome::ALL {
            let rows = self.results.values().filter(|found| *found == outcome).count();
            assert_eq!(row.stats.outcome(*outcome), rows as u64, "{outcome}");
        }
        assert_eq!(row.stats.calls, self.calls.len() as u64, "every call has one attempt here");
        assert_eq!(row.cursor.deferred, self.deferred.len() as u64);
        let told: u64 = row.stats.messages.by_frequency().iter().map(|message| message.jobs).sum();
        assert_eq!(told, row.stats.outcome(Outcome::Failed), "every failure is told");
        let ended = row.status.is_terminal();
        assert_eq!(ended, row.finished_at.is_some());
        assert!(row.cursor.fed <= row.total);
        if ended {
            assert_eq!((row.cursor.deferred, row.retry.after, &row.pause), (0, None, &None));
        } else {
            assert!(row.stats.settled() < row.total || row.cancel_requested_at.is_some());
        }
        if row.resume_at().is_some() {
            assert!(!row.is_on_trial(), "a run without an answer waits for a person");
            assert!(row.cancel_requested_at.is_none(), "a run that is being canceled does not resume");
        }
        let last_status = self.events.iter().rev().find(|event| matches!(event, RunEvent::RunStatus(_)));
        assert_eq!(last_status, Some(&event::status(row)), "the last run_status says what the row does");
    }
}

fn key(ordinal: u32) -> JobKey {
    JobKey { run_id: row(JOBS).id, ordinal, sample: 0 }
}

fn call(id: u128, error_kind: Option<ErrorKind>) -> Call {
    let attempt = Attempt { error_kind, ..testing::attempt() };
    Call { attempts: vec![attempt], ..testing::call(InvocationId::from_uuid(Uuid::from_u128(id))) }
}

fn invocation(id: u128, ordinal: u32, epoch: u32, outcome: Outcome) -> LogEntry {
    let error_kind = (outcome == Outcome::Failed).then_some(ErrorKind::ServerError);
    let invocation = testing::invocation(key(ordinal), call(id, error_kind), outcome);
    LogEntry::Invocation(Box::new(Invocation { epoch, error_kind, ..invocation }))
}

fn deferral(id: u128, ordinal: u32, epoch: u32, pause: bool, unreachable: bool) -> LogEntry {
    LogEntry::Deferred(Box::new(Deferred {
        run_id: row(JOBS).id,
        ordinal,
        sample: 0,
        epoch,
        attempt: 0,
        failures: 0,
        not_before: at(600),
        reason: "later".into(),
        pause,
        pause_cause: None,
        unreachable,
        call: call(id, Some(ErrorKind::Interrupted)),
    }))
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<LogEntry>),
    Feed(u64),
    Ask(Transition),
}

fn any_entry() -> impl Strategy<Value = LogEntry> {
    // There are few ids and few jobs, so that redeliveries and duplicates are common. Each call belongs to one job.
    (0..40_u128, prop_oneof![4 => Just(0_u32), 1 => Just(1)], 0..10_u32, any::<bool>()).prop_map(
        |(id, epoch, kind, pause)| {
            let ordinal = u32::try_from(id).unwrap() % u32::try_from(JOBS).unwrap();
            match kind {
                0..=4 => invocation(id, ordinal, epoch, Outcome::Succeeded),
                5..=6 => invocation(id, ordinal, epoch, Outcome::Failed),
                7 => invocation(id, ordinal, epoch, Outcome::Canceled),
                8 => deferral(id, ordinal, epoch, pause, false),
                _ => deferral(id, ordinal, epoch, false, pause),
            }
        },
    )
}

/// Returns a retry of jobs that failed with one of `kinds`. All jobs that fail here do so with a server error.
fn retry(kinds: impl Into<BTreeSet<ErrorKind>>) -> Transition {
    Transition::RetryFailed { kinds: kinds.into() }
}

fn prioritize(priority: u32) -> Transition {
    Transition::Change(RunPatch { priority: Some(priority), ..RunPatch::default() })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(any_entry(), 0..6).prop_map(Step::Write),
        3 => (0..=JOBS).prop_map(Step::Feed),
        1 => Just(Step::Ask(Transition::Cancel)),
        1 => Just(Step::Ask(Transition::CancelGracefully)),
        1 => Just(Step::Ask(Transition::Pause { reason: "lunch".into() })),
        2 => Just(Step::Ask(Transition::Resume)),
        1 => Just(Step::Ask(Transition::ResumeByItself)),
        1 => Just(Step::Ask(Transition::ResumeAfterChange)),
        2 => Just(Step::Ask(Transition::PauseFailing { trial_calls: 2 })),
        2 => Just(Step::Ask(retry([]))),
        1 => Just(Step::Ask(retry([ErrorKind::ServerError]))),
        1 => Just(Step::Ask(retry([ErrorKind::Overloaded]))),
        2 => (1..4_u32).prop_map(|samples| Step::Ask(Transition::Extend { samples })),
        1 => (1..3_u32).prop_map(|priority| Step::Ask(prioritize(priority))),
        2 => Just(Step::Ask(Transition::Recover)),
    ]
}

proptest! {
    /// For any order of messages (late, repeated, of an earlier pass) and any transitions between them, the counters
    /// equal the rows, `seq`s are dense, and the last `run_status` equals the row.
    #[test]
    fn counters_equal_rows_after_any_history(steps in prop::collection::vec(any_step(), 1..40)) {
        let mut tables = Tables::new();
        for (step, second) in steps.iter().zip(1..) {
            match step {
                Step::Write(entries) => {
                    tables.write(entries, at(second));
                }
                Step::Feed(fed) => tables.feed(*fed, at(second)),
                Step::Ask(transition) => tables.transition(transition, at(second)),
            }
            tables.assert_counters_equal_rows();
        }
    }

    /// The messages of a run, in any order, cut into batches anywhere and each delivered twice, lead to the same
    /// counters and the same end.
    #[test]
    fn any_batching_comes_to_the_same_counters(
        messages in Just((0..JOBS).collect::<Vec<_>>()).prop_shuffle(),
        cuts in prop::collection::vec(1..4_usize, 1..8),
    ) {
        let entries: Vec<_> = messages
            .iter()
            .map(|n| {
                let outcome = if n % 3 == 0 { Outcome::Failed } else { Outcome::Succeeded };
                invocation(u128::from(*n), u32::try_from(*n).unwrap(), 0, outcome)
            })
            .collect();
        let mut tables = Tables::new();
        let (mut rest, mut results, mut redelivered) = (&entries[..], 0, 0);
        for cut in cuts.iter().cycle() {
            let (batch, remainder) = rest.split_at((*cut).min(rest.len()));
            for _ in 0..2 {
                let written = tables.write(batch, at(1));
                results += written.results;
                redelivered += written.redelivered;
            }
            rest = remainder;
            if rest.is_empty() {
                break;
            }
        }
        tables.assert_counters_equal_rows();
        prop_assert_eq!((results, redelivered), (JOBS, JOBS));
        prop_assert_eq!(tables.run.row.status, RunStatus::Completed);
        prop_assert_eq!(tables.run.row.stats.outcome(Outcome::Failed), 2);
    }
}

#[test]
fn pages_hold_at_most_256_events_and_status_events_alone() {
    let mut tables = Tables::new();
    tables.run.row.total = 1_000;
    let entries: Vec<_> =
        (0..300).map(|n| invocation(n, u32::try_from(n).unwrap(), 0, Outcome::Succeeded)).collect();
    let batch = LogBatch(entries);
    let runs = LockedRuns::from([(tables.run.row.id, tables.run.clone())]);
    let plan = BatchPlan::new(&batch, &runs).unwrap();
    let settled = batch.0.iter().map(LogEntry::key).collect();

    let (_, runs) = plan.record(NewRows { settled, ..NewRows::default() }, runs, at(1));

    let pages = runs[&tables.run.row.id].pages();
    let shapes: Vec<_> = pages.iter().map(|page| (page.first_seq, page.last_seq, page.is_status)).collect();
    assert_eq!(shapes, [(2, 2, true), (3, 258, false), (259, 514, false), (515, 603, false)]);
}
