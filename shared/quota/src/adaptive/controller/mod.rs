//! The decision of one step.

mod accidents;
mod cut;
mod grow;

use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::lease::{Adaptive, Mark, Signals};

use super::{Observed, observed::since, search};

/// Shortest time between two raises by a single executor.
const RAISE_PAUSE: Duration = Duration::from_millis(250);
/// Time from which a rate can be measured.
const SETTLED: Duration = Duration::from_secs(1);
/// Time from which counts of several executors can be compared: each tells of its own at its heartbeats.
const MEASURED: Duration = Duration::from_millis(2_500);
/// Part of the answers above which failures are more than accidents.
const FAILED_PART: u64 = 20;
/// Seconds of the period for which providers count calls.
const MINUTE: f64 = 60.0;

/// One step of the lane's limits.
pub(super) struct Controller<'a> {
    lane: Adaptive,
    seen: &'a Observed,
    now: Timestamp,
    ceiling: u32,
    /// Time since the newest decision.
    passed: Duration,
}

/// Result of a step.
pub(super) enum Outcome {
    /// Counts are compared from now on, and no limit changes.
    Marked,
    Changed {
        reason: String,
        pause: Option<Duration>,
    },
}

impl Outcome {
    fn changed(reason: impl Into<String>) -> Self {
        Self::Changed { reason: reason.into(), pause: None }
    }
}

impl<'a> Controller<'a> {
    pub fn new(lane: Adaptive, seen: &'a Observed, now: Timestamp, ceiling: u32) -> Self {
        let passed = Duration::try_from(now.duration_since(lane.mark.at)).unwrap_or_default();
        Self { lane, seen, now, ceiling, passed }
    }

    /// Returns the new state and what happened, or `None` if nothing does.
    pub fn decide(mut self) -> Option<(Adaptive, Outcome)> {
        let outcome = self.outcome()?;
        if !matches!(outcome, Outcome::Marked) && self.passed_since_base() > MINUTE {
            self.lane.base = self.lane.mark;
        }
        self.lane.mark = self.present();
        Some((self.lane, outcome))
    }

    fn outcome(&mut self) -> Option<Outcome> {
        let same_fleet = self.lane.mark.fleet == self.seen.fleet;
        let Some(counts) = since(&self.lane.mark.sums, &self.seen.sums).filter(|_| same_fleet) else {
            self.lane.base = self.present();
            return Some(Outcome::Marked);
        };
        if self.lane.concurrency > self.ceiling {
            self.lane.concurrency = self.ceiling;
            self.lane.concurrency_search = search::fast(self.ceiling.into());
            return Some(Outcome::changed("The ceiling is lower now"));
        }
        if counts.answered > 0 {
            self.lane.pauses = 0;
        }
        if let Some(until) = self.lane.quiet_until {
            if self.now < until {
                return None;
            }
            self.lane.quiet_until = None;
            return Some(Outcome::Marked);
        }
        if let Some(test) = self.lane.accidents.test {
            return self.judge(test, counts);
        }
        self.measure_accidents();
        if counts.refused > 0 && !self.is_accident(counts) {
            return self.begin_test(counts).or_else(|| self.cut(counts));
        }
        if counts.late > 0 {
            return self.shed(counts);
        }
        if counts.failed > counts.answered / FAILED_PART {
            // A server with errors is neither loaded more nor blamed for a limit.
            return (self.passed >= SETTLED).then_some(Outcome::Marked);
        }
        self.grow(counts)
    }

    /// Returns true if calls wait because all slots are in use.
    fn slots_bind(&self) -> bool {
        let nearly = self.lane.concurrency - self.lane.concurrency / 10;
        self.lane.calls_per_second.is_none() || self.seen.in_flight >= nearly
    }

    /// Returns the time from which counts can be compared.
    fn measuring(&self) -> Duration {
        if self.seen.executors > 1 { MEASURED } else { RAISE_PAUSE }
    }

    fn answers_per_second(&self, counts: Signals) -> f64 {
        per_second(counts.answered, self.passed.as_secs_f64())
    }

    fn set_concurrency(&mut self, value: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let value = value as u32;
        self.lane.concurrency = value.clamp(1, self.ceiling);
    }

    /// Returns the smallest raise of the concurrency that is worth a trial.
    fn slot_unit(&self) -> f64 {
        f64::from((self.lane.concurrency / 50).max(1))
    }

    fn present(&self) -> Mark {
        Mark { at: self.now, sums: self.seen.sums, fleet: self.seen.fleet }
    }

    fn passed_since_base(&self) -> f64 {
        self.now.duration_since(self.lane.base.at).as_secs_f64()
    }
}

fn rate_unit(rate: f64) -> f64 {
    rate * 0.02
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { ratio(count, 1) / seconds } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a lane are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / (whole as f64).max(1.0)
}
