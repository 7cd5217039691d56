use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{RunId, api::Run};

/// Time over which a rate is measured.
const WINDOW: SignedDuration = SignedDuration::from_secs(15);
/// Shortest time between two readings of a run.
const APART: SignedDuration = SignedDuration::from_millis(500);
/// Largest number of runs whose readings are kept.
const RUNS_MAX: usize = 1_000;

/// Rates of runs, measured over the newest looks at them.
#[derive(Clone, Default)]
pub struct Rates(Arc<Mutex<HashMap<RunId, VecDeque<Reading>>>>);

struct Reading {
    at: Timestamp,
    settled: u64,
}

impl Rates {
    /// Notes the run as it is at `now`. Returns the number of jobs that settle each second: lately, or since its start if nobody
    /// has looked lately. `None` for a run that has ended, is paused or has not started.
    pub fn observe(&self, run: &Run, now: Timestamp) -> Option<f64> {
        let started_at = run.started_at.filter(|_| !run.status.is_terminal() && !run.paused)?;
        let settled = run.counters.settled;
        let lately = self.measure(run.id, Reading { at: now, settled });
        lately.or_else(|| per_second(settled, now.duration_since(started_at)))
    }

    fn measure(&self, id: RunId, newest: Reading) -> Option<f64> {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() >= RUNS_MAX {
            let is_recent = |readings: &VecDeque<Reading>| {
                readings.back().is_some_and(|last| newest.at.duration_since(last.at) < WINDOW)
            };
            runs.retain(|_, readings| is_recent(readings));
            if runs.len() >= RUNS_MAX {
                return None;
            }
        }
        let readings = runs.entry(id).or_default();
        readings.retain(|reading| {
            newest.at.duration_since(reading.at) <= WINDOW && reading.settled <= newest.settled
        });
        let oldest = readings.front().map(|oldest| (oldest.at, oldest.settled));
        let (at, settled) = (newest.at, newest.settled);
        if readings.back().is_none_or(|last| at.duration_since(last.at) >= APART) {
            readings.push_back(newest);
        }
        let (from, before) = oldest?;
        let passed = at.duration_since(from);
        if passed < APART * 4 { None } else { per_second(settled - before, passed) }
    }
}

fn per_second(jobs: u64, passed: SignedDuration) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let jobs = jobs as f64;
    (passed.as_secs_f64() > 0.0).then(|| jobs / passed.as_secs_f64())
}
