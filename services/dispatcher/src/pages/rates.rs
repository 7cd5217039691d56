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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn id(number: u128) -> RunId {
        RunId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_rate_is_that_of_the_newest_readings() {
        let rates = Rates::default();
        let measured =
            |milliseconds, settled| rates.measure(id(1), Reading { at: at(milliseconds), settled });
        assert_eq!(measured(0, 100), None);
        assert_eq!(measured(1_000, 110), None, "too short a time");
        assert_eq!(measured(4_000, 140), Some(10.0));
        // The first readings are too old by now.
        assert_eq!(measured(18_000, 980), Some(60.0));
        // Retried jobs are not settled any more.
        assert_eq!(measured(20_000, 500), None);
        assert_eq!(measured(24_000, 520), Some(5.0));
    }

    #[test]
    fn runs_that_nobody_looks_at_make_room() {
        let rates = Rates::default();
        for number in 0..RUNS_MAX as u128 {
            rates.measure(id(number), Reading { at: at(0), settled: 0 });
        }
        let newest = |milliseconds| rates.measure(id(5_000), Reading { at: at(milliseconds), settled: 0 });
        assert_eq!(newest(0), None);
        assert_eq!(rates.0.lock().unwrap().len(), RUNS_MAX);
        newest(60_000);
        assert_eq!(rates.0.lock().unwrap().len(), 1);
    }
}
