//! Higher limits, while calls wait and all are answered.

use std::time::Duration;

use runmill_proto::lease::{Signals, Throughput};

use super::{Controller, MEASURED, Outcome, RAISE_PAUSE, SETTLED, rate_unit};
use crate::adaptive::search;

/// Time without refusals after which a limit that does not hold anything back is dropped.
const UNUSED: Duration = Duration::from_mins(1);
/// Part of the wait between two trials for which a trial of a rate lasts. A burst, or the rest of a minute's calls, hides
/// for a while that a rate is too high.
const TRIAL_PARTS: u64 = 4;

impl Controller<'_> {
    pub(super) fn grow(&mut self, counts: Signals) -> Option<Outcome> {
        if self.seen.waiting == 0 && counts.saturated == 0 {
            return None;
        }
        if self.slots_bind() { self.grow_concurrency(counts) } else { self.grow_rate(counts) }
    }

    fn grow_concurrency(&mut self, counts: Signals) -> Option<Outcome> {
        let present = self.lane.concurrency;
        let pause = if self.seen.executors > 1 { SETTLED } else { RAISE_PAUSE };
        if self.passed < pause || counts.answered < u64::from(present) {
            return None;
        }
        if self.lane.calls_per_second.is_some() && self.passed > UNUSED {
            self.lane.calls_per_second = None;
            return Some(Outcome::changed("The rate of calls held nothing back for a minute"));
        }
        let careful = self.lane.concurrency_search.on_trial && self.lane.concurrency_search.bad.is_some();
        if careful && self.passed < self.measuring() {
            return None;
        }
        if self.is_useless(counts)? {
            return Some(self.return_to_reference());
        }
        self.expect_slower_answers(counts);
        let (value, unit, search) = (f64::from(present), self.slot_unit(), &mut self.lane.concurrency_search);
        let passed = search.on_trial;
        if passed {
            search::pass(search, value, unit);
        }
        if present == self.ceiling {
            return passed.then_some(Outcome::Marked);
        }
        let waited = if passed { Duration::ZERO } else { self.passed };
        let Some(next) = search::raise(search, value, unit, waited) else {
            return passed.then_some(Outcome::Marked);
        };
        self.lane.rate_search.on_trial = false;
        self.set_concurrency(next.ceil());
        Some(Outcome::changed("Raised: calls wait, and none was refused"))
    }

    /// Allows the next trial early if answers take much longer than when more calls were refused: a limit of the rate
    /// would not refuse them now.
    fn expect_slower_answers(&mut self, counts: Signals) {
        let answers = self.answers_per_second(counts);
        if self.passed > MEASURED && self.lane.refused_at.is_some_and(|refused| answers < refused / 2.0) {
            self.lane.concurrency_search.wait_seconds = search::WAIT_MIN;
            self.lane.refused_at = None;
        }
    }

    /// Returns true if the concurrency grew by half since the reference, and the throughput by less than a fifth. Returns
    /// `None` if that is still open.
    fn is_useless(&mut self, counts: Signals) -> Option<bool> {
        if self.lane.calls_per_second.is_some() {
            // The rate holds the throughput back.
            return Some(false);
        }
        let here = Throughput {
            concurrency: self.lane.concurrency,
            answers_per_second: self.answers_per_second(counts),
        };
        if self.passed < self.measuring() {
            return self.lane.reference.is_none().then_some(false);
        }
        // A reference is of the time just before the raises that are compared with it, since latencies change.
        let Some(reference) = self.lane.reference.filter(|_| self.lane.concurrency_search.on_trial) else {
            self.lane.reference = Some(here);
            return Some(false);
        };
        if f64::from(here.concurrency) < 1.5 * f64::from(reference.concurrency) {
            return Some(false);
        }
        let useful = here.answers_per_second >= 1.2 * reference.answers_per_second;
        if useful {
            self.lane.reference = Some(here);
        }
        Some(!useful)
    }

    fn return_to_reference(&mut self) -> Outcome {
        let unit = self.slot_unit();
        let lower = self.lane.reference.map_or(1.0, |reference| reference.concurrency.into());
        let lower = search::fail(&mut self.lane.concurrency_search, lower + unit, unit).min(lower);
        self.set_concurrency(lower);
        Outcome::changed("Lowered: more calls in flight were not answered faster")
    }

    fn grow_rate(&mut self, counts: Signals) -> Option<Outcome> {
        let rate = self.lane.calls_per_second?;
        let (unit, search) = (rate_unit(rate), &mut self.lane.rate_search);
        let needed = SETTLED.max(Duration::from_secs(u64::from(search.wait_seconds) / TRIAL_PARTS));
        if self.passed < needed || counts.answered == 0 {
            return None;
        }
        let passed = search.on_trial;
        if passed {
            search::pass(search, rate, unit);
        }
        let waited = if passed { Duration::ZERO } else { self.passed };
        let Some(next) = search::raise(search, rate, unit, waited) else {
            return passed.then_some(Outcome::Marked);
        };
        self.lane.calls_per_second = Some(next);
        self.lane.concurrency_search.on_trial = false;
        Some(Outcome::changed("Raised: calls wait, and none was refused"))
    }
}
