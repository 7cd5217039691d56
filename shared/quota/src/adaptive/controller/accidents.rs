//! Refusals at random: they go on, at the same share of the calls, however few calls there are.

use std::time::Duration;

use runmill_proto::lease::{Accidents, Adaptive, Signals, Suspicion, Test};

use super::{Controller, Outcome, rate_unit, ratio};
use crate::adaptive::{later, observed::since, search};

/// Highest part of the calls that is taken for accidents.
const SHARE_MAX: f64 = 0.1;
/// Refusals that are allowed beyond it in small counts.
const SLACK: f64 = 1.5;
/// Refusals from which their share means something.
const REFUSED_MIN: u64 = 3;
/// Part of the limits that is left during a test. Refusals that come from the load end then, if they were at most
/// [`SHARE_MAX`] of the calls.
const TESTED: f64 = 0.6;
/// Calls before a cut from which it may become a test.
const BEGIN_CALLS: u64 = 10;
/// Calls of a test from which enough refusals end it early.
const CLEAR_CALLS: u64 = 30;
/// Smallest number of calls of a test that ends without enough refusals, and its longest time.
const CALLS_MIN: u64 = 100;
const TEST_MAX: Duration = Duration::from_secs(30);
/// Calls, and the time, after a cut from which the next one is another matter.
const CALM_CALLS: u64 = 200;
const CALM: Duration = Duration::from_secs(10);
/// Cuts in a row without a raise after which the load is in doubt.
const CUTS_MAX: u32 = 7;
/// Seconds after a test without refusals in which there is no other. They double.
const WAIT_MIN: u32 = 60;
const WAIT_MAX: u32 = 3_600;
/// Expected accidents from which their share is measured anew.
const EXPECTED_MIN: f64 = 10.0;

impl Controller<'_> {
    /// Returns true if no more calls were refused than the known share of accidents explains: twice the share, and three
    /// standard deviations.
    pub(super) fn is_accident(&self, counts: Signals) -> bool {
        let share = self.lane.accidents.share;
        let expected = share * calls(counts);
        share > 0.0 && refused(counts) <= 1.0 + 2.0 * expected + 3.0 * expected.sqrt()
    }

    /// Lowers the share of accidents to that of the calls since it was last measured.
    pub(super) fn measure_accidents(&mut self) {
        let (accidents, present) = (&self.lane.accidents, self.present());
        let counts = since(&accidents.since.sums, &self.seen.sums);
        if let Some(counts) = counts.filter(|counts| accidents.share * calls(*counts) >= EXPECTED_MIN) {
            let share = (refused(counts) / calls(counts)).min(accidents.share);
            self.lane.accidents = Accidents { share, since: present, ..accidents.clone() };
        }
    }

    /// Begins a test instead of a cut, if the cuts before did not end the refusals and the last test is long ago.
    pub(super) fn begin_test(&mut self, counts: Signals) -> Option<Outcome> {
        let is_suspicious = self.suspect();
        let is_early = self.lane.accidents.next_test.is_some_and(|next| self.now < next);
        let is_small = counts.started < BEGIN_CALLS || self.lane.pauses > 0;
        if !is_suspicious || is_early || is_small || is_of_load(counts) {
            return None;
        }
        let (concurrency, calls_per_second) = (self.lane.concurrency, self.lane.calls_per_second);
        let calls = (REFUSED_MIN * counts.started / counts.refused.max(1)).max(CALLS_MIN);
        self.lane.accidents.test = Some(Test { concurrency, calls_per_second, calls });
        self.set_concurrency((TESTED * f64::from(concurrency)).floor());
        self.lane.calls_per_second = calls_per_second.map(|rate| TESTED * rate);
        Some(self.after_cut("calls were refused; this tests if fewer calls are refused, too", None))
    }

    /// Notes a cut. Returns true if there were many in a row, or the limits are already much lower than at the first.
    fn suspect(&mut self) -> bool {
        let newest = self.present();
        let in_a_row = self.lane.accidents.suspicion.filter(|before| {
            let is_soon = newest.at <= later(before.newest.at, CALM);
            let calls = since(&before.newest.sums, &newest.sums).map(|counts| counts.started);
            before.newest.fleet == newest.fleet && (is_soon || calls.is_some_and(|calls| calls < CALM_CALLS))
        });
        let Adaptive { concurrency, calls_per_second, .. } = self.lane;
        let first = in_a_row.unwrap_or(Suspicion { concurrency, calls_per_second, newest, settled: 0 });
        let on_trial = self.lane.concurrency_search.on_trial || self.lane.rate_search.on_trial;
        let settled = first.settled + u32::from(!on_trial);
        self.lane.accidents.suspicion = Some(Suspicion { newest, settled, ..first });
        let is_slower =
            first.calls_per_second.zip(calls_per_second).is_some_and(|(first, now)| now <= TESTED * first);
        settled >= CUTS_MAX || is_slower || f64::from(concurrency) <= TESTED * f64::from(first.concurrency)
    }

    /// Ends the test if it is clear by the counts since its begin if calls are refused by accident.
    pub(super) fn judge(&mut self, test: Test, counts: Signals) -> Option<Outcome> {
        if is_of_load(counts) {
            self.lane.accidents.test = None;
            return Some(self.cut_settled(counts));
        }
        let is_over = counts.started >= test.calls || self.passed >= TEST_MAX;
        let is_clear = counts.refused >= REFUSED_MIN && counts.started >= CLEAR_CALLS;
        if !is_over && !is_clear {
            return None;
        }
        (self.lane.accidents.test, self.lane.accidents.suspicion) = (None, None);
        self.lane.calls_per_second = test.calls_per_second;
        self.set_concurrency(test.concurrency.into());
        Some(if counts.refused > 0 { self.acquit(counts) } else { self.convict() })
    }

    /// Takes the refusals for accidents, and searches on from the limits before the test.
    fn acquit(&mut self, counts: Signals) -> Outcome {
        let share = (refused(counts) / calls(counts)).min(SHARE_MAX);
        self.lane.accidents = Accidents { share, since: self.present(), ..Accidents::default() };
        self.lane.concurrency_search = search::fast(self.lane.concurrency.into());
        self.lane.calls_per_second = None;
        Outcome::changed("Raised: calls are refused however few there are")
    }

    /// Lowers the limits somewhat, because fewer calls were not refused.
    fn convict(&mut self) -> Outcome {
        let accidents = &mut self.lane.accidents;
        accidents.wait_seconds = (2 * accidents.wait_seconds).clamp(WAIT_MIN, WAIT_MAX);
        accidents.next_test = Some(later(self.now, Duration::from_secs(accidents.wait_seconds.into())));
        if let Some(rate) = self.lane.calls_per_second {
            let lower = search::retreat(&mut self.lane.rate_search, rate, rate * 0.98, rate_unit(rate));
            self.lane.calls_per_second = Some(lower);
        } else {
            self.retreat_slots((0.9 * f64::from(self.lane.concurrency)).floor());
        }
        Outcome::changed("Raised: fewer calls are not refused")
    }
}

/// Returns true if more calls were refused than accidents can be.
fn is_of_load(counts: Signals) -> bool {
    refused(counts) > SHARE_MAX * calls(counts) + SLACK
}

fn calls(counts: Signals) -> f64 {
    ratio(counts.started.max(counts.refused), 1)
}

fn refused(counts: Signals) -> f64 {
    ratio(counts.refused, 1)
}
