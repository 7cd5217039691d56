//! Lower limits, after calls were refused or not answered in time.

use std::time::Duration;

use runmill_proto::lease::Signals;

use super::{Controller, MINUTE, Outcome, SETTLED, per_second, rate_unit, ratio};
use crate::adaptive::{later, observed::since, search};

/// Number of starts from which the share of refusals means something.
const STARTS_MIN: u64 = 10;
/// Part of a limit that is left by the deepest cut.
const CUT_MOST: f64 = 0.7;
/// Part of a limit that is left by the smallest cut.
const CUT_LEAST: f64 = 0.98;
/// Longest pause in seconds of the fleet for which the provider did not ask.
const PAUSE_MAX: u64 = 8;
/// Number of calls in flight from which they can stand for a rate.
const SLOTS_MIN: u32 = 8;
/// Lowest rate, in calls per second.
const RATE_MIN: f64 = 0.02;
/// Time after a cut in which refusals are those of the time before it: executors learn of a cut at their next
/// heartbeats, and tell of the refusals at those after.
const QUIET: Duration = Duration::from_secs(3);

impl Controller<'_> {
    /// Lowers what was raised last, or else what seems to hold. The refusal of a raise is answered by the value before it;
    /// it is no reason to pause the whole fleet.
    pub(super) fn cut(&mut self, counts: Signals) -> Option<Outcome> {
        if self.lane.concurrency_search.on_trial && self.slots_bind() {
            let (concurrency, unit) = (f64::from(self.lane.concurrency), self.slot_unit());
            let lower = search::fail(&mut self.lane.concurrency_search, concurrency, unit);
            if self.passed >= SETTLED {
                self.lane.refused_at = Some(self.answers_per_second(counts));
            }
            self.set_concurrency(lower);
            return Some(self.after_cut("calls were refused with more in flight", None));
        }
        if let Some(rate) = self.lane.calls_per_second.filter(|_| self.lane.rate_search.on_trial) {
            let unit = rate_unit(rate);
            // The value before had room for a burst, so it is not sure to be good, either.
            let lower = search::fail(&mut self.lane.rate_search, rate, unit) - unit;
            self.lane.calls_per_second = Some(lower.max(RATE_MIN));
            self.suppose_slots();
            return Some(self.after_cut("calls were refused at a higher rate", None));
        }
        if counts.started < STARTS_MIN && self.passed < SETTLED {
            return None;
        }
        Some(self.cut_settled(counts))
    }

    /// Supposes that the calls in flight were the limit, and not their rate. If they were not, calls are refused again,
    /// and the rate is supposed again. With few calls in flight, one more or less is too coarse to replace a rate.
    fn suppose_slots(&mut self) {
        let in_use = self.seen.in_flight.min(self.lane.concurrency);
        if in_use >= SLOTS_MIN && self.lane.rate_search.wait_seconds == 4 * search::WAIT_MIN {
            self.lane.concurrency = in_use;
            self.lane.concurrency_search = search::careful(in_use.into(), self.slot_unit(), search::WAIT_MIN);
            self.lane.calls_per_second = None;
        }
    }

    /// Lowers a limit after refusals that follow no raise: the rate if calls start at it, or else the calls in flight.
    pub(super) fn cut_settled(&mut self, counts: Signals) -> Outcome {
        let accepted = 1.0 - ratio(counts.refused, counts.started.max(counts.refused));
        let most = if counts.started < 2 * STARTS_MIN { 0.9 } else { CUT_MOST };
        let factor = accepted.clamp(most, CUT_LEAST);
        let pause = self.pause(accepted);
        if self.lane.pauses > 1 {
            self.suppose_rate(counts);
            if self.lane.pauses == 2 {
                self.lane.base = self.present();
            }
            return self.after_cut("nothing is answered any more", pause);
        }
        if self.lane.rate_search.wait_seconds == search::WAIT_MAX && self.passed_since_base() < 1.25 * MINUTE
        {
            return self.after_cut("the calls of a minute are still used up", pause);
        }
        if self.lane.calls_per_second.is_none() && self.follows_failure() {
            // The value before the raise was not in use for long enough to be good.
            self.retreat_slots((f64::from(self.lane.concurrency) / 2.0).floor());
            return self.after_cut("calls were refused again", pause);
        }
        let started = per_second(counts.started, self.passed.as_secs_f64());
        if let Some(rate) = self.lane.calls_per_second.filter(|rate| started >= 0.9 * rate) {
            let lower = search::retreat(&mut self.lane.rate_search, rate, rate * factor, rate_unit(rate));
            self.lane.calls_per_second = Some(lower);
        } else {
            self.suppose_rate(counts);
            self.retreat_slots((f64::from(self.lane.concurrency) * factor).round());
        }
        self.after_cut("calls were refused", pause)
    }

    /// Returns the pause of the whole fleet: as long as the provider asks, and doubling while nothing is answered.
    fn pause(&mut self, accepted: f64) -> Option<Duration> {
        let asked_for = self.seen.retry_after;
        if accepted > 0.5 {
            return asked_for;
        }
        let pause = Duration::from_secs((1 << self.lane.pauses.min(5)).min(PAUSE_MAX));
        self.lane.pauses += 1;
        Some(asked_for.unwrap_or_default().max(pause))
    }

    /// Supposes that the rate of answers is the limit of the rate, if no lower one is supposed.
    fn suppose_rate(&mut self, counts: Signals) {
        let since_base = since(&self.lane.base.sums, &self.seen.sums).map_or(0, |counts| counts.answered);
        let rate = if self.lane.pauses > 1 {
            // Nothing is answered any more: the calls of a minute may be used up.
            per_second(since_base, self.passed_since_base().max(MINUTE))
        } else if self.passed >= SETTLED.max(self.measuring()) {
            self.answers_per_second(counts)
        } else if self.passed_since_base() >= self.measuring().as_secs_f64() {
            per_second(since_base, self.passed_since_base())
        } else {
            0.0
        };
        let blocked = self.lane.pauses == 2;
        if rate > 0.0 && (blocked || self.lane.calls_per_second.is_none_or(|supposed| rate < supposed)) {
            let least =
                self.lane.calls_per_second.filter(|_| !blocked).map_or(RATE_MIN, |rate| rate * CUT_MOST);
            let rate = (rate * 0.99).max(least);
            self.lane.calls_per_second = Some(rate);
            let before = self.lane.rate_search.wait_seconds.max(search::WAIT_MIN);
            let wait_seconds = if blocked { search::WAIT_MAX } else { before };
            self.lane.rate_search = search::careful(rate, rate_unit(rate), wait_seconds);
        }
    }

    pub(super) fn retreat_slots(&mut self, lower: f64) {
        let (concurrency, unit) = (f64::from(self.lane.concurrency), self.slot_unit());
        let lower = search::retreat(&mut self.lane.concurrency_search, concurrency, lower.max(1.0), unit);
        self.set_concurrency(lower);
    }

    /// Returns true if a large raise was refused just before.
    fn follows_failure(&self) -> bool {
        let search = &self.lane.concurrency_search;
        let large = search.bad.is_some_and(|bad| bad >= 1.5 * f64::from(self.lane.concurrency));
        large && search.passed == 0 && self.passed < 2 * SETTLED
    }

    pub(super) fn after_cut(&mut self, why: &str, pause: Option<Duration>) -> Outcome {
        self.lane.quiet_until = Some(later(self.now, pause.unwrap_or_default().max(QUIET)));
        self.lane.reference = None;
        Outcome::Changed { reason: format!("Lowered: {why}"), pause }
    }

    /// Cuts to the calls that a server answers, where others have no first token in time.
    pub(super) fn shed(&mut self, counts: Signals) -> Option<Outcome> {
        if counts.answered == 0 {
            return (self.passed >= SETTLED).then_some(Outcome::Marked);
        }
        let answered = ratio(counts.answered, counts.answered + counts.late);
        self.retreat_slots((f64::from(self.lane.concurrency) * answered).floor());
        Some(self.after_cut("calls had no first token in time while others were answered", None))
    }
}
