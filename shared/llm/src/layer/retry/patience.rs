use std::time::Duration;

use runmill_quota::RetryBudget;
use tokio::time::Instant;

use super::backoff;
use crate::{Advice, CallPolicy, keys::Outlook};

/// What comes after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    Wait(Duration),
    Defer(Duration),
    Fail,
    /// For so long.
    StopLane(Duration),
    GiveUp,
}

/// How much of a call's patience is used up.
///
/// A failure uses up one of `max_retries`, and one of the provider's budget of retries: where that is empty, the call
/// is deferred, for a provider in trouble is helped by waiting. A rate limit uses up neither; what bounds it is the
/// time, all waits of the call together, and a number of attempts, for a provider may ask for no wait at all. Beyond
/// either the call is deferred, for its slot and its job are better used by others.
pub(super) struct Patience<'a> {
    budget: &'a RetryBudget,
    failures: u32,
    slowdowns: u32,
    slowed: Duration,
}

/// Rate-limited attempts of one call. With the default backoff this many take longer than any `wait_max`.
const SLOWDOWNS_MAX: u32 = 10;

/// How long a lane stops that says no more than that no key is left.
const STOPPED_FOR: Duration = Duration::from_mins(5);

/// Between two looks at what came of the call that tries a key.
const TRIAL_LOOK: Duration = Duration::from_secs(1);

impl<'a> Patience<'a> {
    pub const fn new(budget: &'a RetryBudget, failed_before: u32) -> Self {
        Self { budget, failures: failed_before, slowdowns: 0, slowed: Duration::ZERO }
    }

    /// Attempts that have failed, those before this call included.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// * `fraction`: where in the range of a random wait, `0.0..=1.0`.
    pub fn next(&mut self, policy: &CallPolicy, advice: Advice, outlook: Outlook, fraction: f64) -> Next {
        match (advice, outlook) {
            (Advice::RetryHere { after }, _) => self.fail(policy, after, fraction),
            // Not the provider, only one key of it has no room.
            (Advice::SlowDown { .. } | Advice::StopLane { .. }, Outlook::AnotherKey) => {
                self.slow_down(policy, Some(Duration::ZERO), 0.0)
            }
            // Nor a failure: what there is to wait for is another call's answer.
            (Advice::StopLane { .. }, Outlook::KeyTried) => {
                self.slow_down(policy, Some(TRIAL_LOOK), fraction)
            }
            (Advice::SlowDown { after }, _) => self.slow_down(policy, after, fraction),
            // A form that could be fixed has been; what comes here is a provider that takes none.
            (Advice::FixRequest(_) | Advice::FailItem, _) => Next::Fail,
            (Advice::StopLane { .. }, Outlook::NoKey(until)) => {
                Next::StopLane(until.saturating_duration_since(Instant::now()))
            }
            (Advice::StopLane { after }, Outlook::Same) => Next::StopLane(after.unwrap_or(STOPPED_FOR)),
            (Advice::GiveUp, _) => Next::GiveUp,
        }
    }

    fn fail(&mut self, policy: &CallPolicy, after: Option<Duration>, fraction: f64) -> Next {
        self.failures += 1;
        if self.failures > policy.max_retries {
            return Next::Fail;
        }
        // On top of what the server asks for, so that those who were told the same do not all come back at once.
        let wait = after.unwrap_or_default() + backoff::delay(policy, self.failures, fraction);
        if wait > policy.wait_max {
            return Next::Defer(wait);
        }
        if !self.budget.withdraw() {
            // Spread over as much time again, so that those who failed together do not come back together.
            return Next::Defer(policy.backoff_max.mul_f64(1.0 + fraction.clamp(0.0, 1.0)));
        }
        Next::Wait(wait)
    }

    fn slow_down(&mut self, policy: &CallPolicy, after: Option<Duration>, fraction: f64) -> Next {
        self.slowdowns += 1;
        let wait = match after {
            None => backoff::delay(policy, self.slowdowns, fraction),
            // A little more than asked for, so that those who were told the same do not all come back at once.
            Some(after) => after + backoff::delay(policy, 1, fraction),
        };
        self.slowed += wait;
        if self.slowdowns >= SLOWDOWNS_MAX || self.slowed > policy.wait_max {
            return Next::Defer(wait.max(policy.backoff_base));
        }
        Next::Wait(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::scripted::{policy, secs};

    const FAILED: Advice = Advice::RetryHere { after: None };

    fn slow(seconds: u64) -> Advice {
        Advice::SlowDown { after: Some(secs(seconds)) }
    }

    /// What each advice in turn leads to, with no jitter (`fraction` 0) or all of it (1).
    fn course(advices: &[Advice], fraction: f64) -> Vec<Next> {
        let budget = RetryBudget::default();
        let mut patience = Patience::new(&budget, 0);
        advices.iter().map(|advice| patience.next(&policy(), *advice, Outlook::Same, fraction)).collect()
    }

    #[test]
    fn failures_back_off_and_use_up_the_budget() {
        let waits = [1, 2, 4, 8].map(|seconds| Next::Wait(secs(seconds)));
        assert_eq!(course(&[FAILED; 5], 1.0), [&waits[..], &[Next::Fail]].concat());
    }

    #[test]
    fn the_servers_delay_is_honoured_and_only_lengthened() {
        let after = |seconds| Advice::RetryHere { after: Some(secs(seconds)) };
        assert_eq!(course(&[after(5)], 0.0), [Next::Wait(secs(5))]);
        assert_eq!(course(&[after(0), after(0)], 1.0), [1, 2].map(|s| Next::Wait(secs(s))));
        assert_eq!(course(&[after(20)], 1.0), [Next::Wait(secs(21))], "those who were told the same spread");
        assert_eq!(course(&[slow(20)], 0.0), [Next::Wait(secs(20))]);
        assert_eq!(course(&[slow(20)], 1.0), [Next::Wait(secs(21))]);
    }

    #[test]
    fn a_wait_above_the_maximum_defers() {
        assert_eq!(course(&[slow(31)], 0.0), [Next::Defer(secs(31))]);
        assert_eq!(course(&[Advice::RetryHere { after: Some(secs(90)) }], 0.0), [Next::Defer(secs(90))]);
    }

    #[test]
    fn rate_limit_waits_use_up_no_attempt() {
        let advices = [slow(1), slow(1), slow(1), slow(1), slow(1), slow(1), FAILED, FAILED, FAILED, FAILED];
        assert!(course(&advices, 0.0).iter().all(|next| matches!(next, Next::Wait(_))));
    }

    #[test]
    fn rate_limit_waits_are_bounded_in_all() {
        assert_eq!(
            course(&[slow(20), slow(20)], 0.0),
            [Next::Wait(secs(20)), Next::Defer(secs(20))],
            "by their time"
        );
        let hot = course(&[slow(0); 10], 0.0);
        assert_eq!(hot[9], Next::Defer(secs(1)), "by their number");
        assert!(hot[..9].iter().all(|next| *next == Next::Wait(secs(0))));
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        let fix = Advice::FixRequest(crate::Fix::Buffer);
        assert_eq!(
            course(&[Advice::FailItem, fix, Advice::StopLane { after: None }], 1.0),
            [Next::Fail, Next::Fail, Next::StopLane(secs(300))]
        );
    }

    #[test]
    fn failures_of_earlier_times_use_up_the_same_budget() {
        let budget = RetryBudget::default();
        let mut patience = Patience::new(&budget, 3);

        let course = [(); 2].map(|()| patience.next(&policy(), FAILED, Outlook::Same, 0.0));

        assert_eq!(course, [Next::Wait(secs(0)), Next::Fail]);
        assert_eq!(patience.failures(), 5);
    }

    #[test]
    fn beyond_the_providers_budget_a_failure_defers() {
        let budget = RetryBudget::default();
        while budget.withdraw() {}
        let mut patience = Patience::new(&budget, 0);

        let next = patience.next(&policy(), FAILED, Outlook::Same, 0.5);

        assert_eq!(next, Next::Defer(secs(45)));
        assert_eq!(patience.next(&policy(), slow(1), Outlook::Same, 0.0), Next::Wait(secs(1)), "no failure");
    }

    #[test]
    fn with_another_key_there_is_no_wait_and_without_one_the_lane_stops_until_one_is_back() {
        let budget = RetryBudget::default();
        let stop = Advice::StopLane { after: None };
        let mut patience = Patience::new(&budget, 0);

        assert_eq!(patience.next(&policy(), stop, Outlook::AnotherKey, 1.0), Next::Wait(secs(0)));
        assert_eq!(patience.next(&policy(), slow(90), Outlook::AnotherKey, 1.0), Next::Wait(secs(0)));
        assert_eq!(patience.next(&policy(), stop, Outlook::KeyTried, 1.0), Next::Wait(secs(2)));
        let until = Instant::now() + secs(100);
        let Next::StopLane(left) = patience.next(&policy(), stop, Outlook::NoKey(until), 1.0) else {
            panic!("the lane goes on without a key");
        };
        assert!(left <= secs(100) && left > secs(90), "{left:?}");
    }
}
