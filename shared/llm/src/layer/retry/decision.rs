use std::time::Duration;

use runmill_quota::RetryBudget;
use tokio::time::Instant;

use super::{backoff, server_wait::ServerWait};
use crate::{Advice, CallPolicy, keys::KeyAvailability};

/// Next step of a call after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decision {
    /// Make another attempt after this wait.
    Wait(Duration),
    /// Defer the job for at least this long.
    Defer(Duration),
    Fail,
    /// Stop the lane for this long.
    StopLane(Duration),
    GiveUp,
}

/// Counts of one call that decide whether it is retried.
///
/// A failure uses up one of `max_retries`, and one retry of the provider's budget. When the budget is empty, the call
/// is deferred: retries at once would only add load to a provider in trouble. A rate limit uses up neither. Two other
/// bounds apply to a rate limit: the sum of the call's waits (`wait_max`), and the number of rate-limited attempts,
/// because a provider may ask for waits of zero. Beyond either, the call is deferred, so that other jobs can use its
/// place. A server that starts, and a key that may be good, are waited for likewise, and their waits are part of the sum.
pub(super) struct RetryState<'a> {
    budget: &'a RetryBudget,
    failures: u32,
    rate_limits: u32,
    /// Sum of the waits that use up no retry.
    free_waits: Duration,
    server_wait: ServerWait,
    /// Number of attempts that were refused although the key may be good.
    suspicions: u32,
    reconnects: u32,
    /// True after an error that a retry probably repeats.
    is_last: bool,
}

/// Maximum number of rate-limited attempts of one call. With the default backoff this many take longer than any
/// `wait_max`.
const RATE_LIMITS_MAX: u32 = 10;

/// Time for which a lane stops if neither the provider nor the keys' circuit breakers give a time.
const STOPPED_FOR: Duration = Duration::from_mins(5);

/// Interval at which a call checks whether another call's probe has closed a key's circuit breaker.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Shortest time for which a job is deferred whose provider cannot be reached. Up to as much is added, so that jobs
/// that were deferred together spread out.
const DOWN_FOR: Duration = Duration::from_secs(5);

/// Wait after the first refusal of a request whose key may be good. It doubles with each.
const SUSPICION_WAIT: Duration = Duration::from_secs(1);
/// Maximum number of such refusals of one call, after which the job is deferred.
const SUSPICIONS_MAX: u32 = 6;

/// Maximum number of times that one call is repeated at once because its connection was closed early.
const RECONNECTS_MAX: u32 = 2;

impl<'a> RetryState<'a> {
    pub const fn new(budget: &'a RetryBudget, failed_before: u32) -> Self {
        Self {
            budget,
            failures: failed_before,
            rate_limits: 0,
            free_waits: Duration::ZERO,
            server_wait: ServerWait::new(),
            suspicions: 0,
            reconnects: 0,
            is_last: false,
        }
    }

    /// Returns the number of failed attempts, including those before this call.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Decides by the advice of an attempt's error, and by the keys that are still usable.
    ///
    /// * `fraction`: position in the range of a random wait, `0.0..=1.0`.
    pub fn decide(
        &mut self,
        policy: &CallPolicy,
        advice: Advice,
        availability: KeyAvailability,
        fraction: f64,
    ) -> Decision {
        match (advice, availability) {
            (Advice::RetryHere { after }, _) => self.fail(policy, after, fraction),
            (Advice::RetryOnce, _) => self.fail_once(policy, fraction),
            (Advice::Reconnect, _) => self.reconnect(policy, fraction),
            (Advice::AwaitServer, _) => match self.server_wait.next(fraction) {
                Some(wait) => self.wait_freely(policy, wait),
                None => Decision::Defer(DOWN_FOR.mul_f64(1.0 + fraction.clamp(0.0, 1.0))),
            },
            // Only this key is limited or refused, so another can be used at once.
            (Advice::SlowDown { .. } | Advice::StopLane { .. }, KeyAvailability::AnotherKey) => {
                self.rate_limited(policy, Some(Duration::ZERO), 0.0)
            }
            // This is no failure, either: the call waits for the result of another call's probe.
            (Advice::StopLane { .. }, KeyAvailability::Probing) => {
                self.rate_limited(policy, Some(PROBE_INTERVAL), fraction)
            }
            (Advice::StopLane { .. }, KeyAvailability::Suspected) => self.suspected(policy, fraction),
            (Advice::SlowDown { after }, _) => self.rate_limited(policy, after, fraction),
            // The negotiation has tried every form of the request already.
            (Advice::FixRequest(_) | Advice::FailItem, _)
            | (Advice::StopLane { .. }, KeyAvailability::RequestRefused) => Decision::Fail,
            (Advice::StopLane { .. }, KeyAvailability::NoneUntil(until)) => {
                Decision::StopLane(until.saturating_duration_since(Instant::now()))
            }
            (Advice::StopLane { after }, KeyAvailability::Unchanged) => {
                Decision::StopLane(after.unwrap_or(STOPPED_FOR))
            }
            (Advice::GiveUp, _) => Decision::GiveUp,
        }
    }

    /// Decides after the end of an answer of which the caller has a part. Another answer would not continue it.
    pub fn cut(&mut self, advice: Advice) -> Decision {
        if advice == Advice::GiveUp {
            return Decision::GiveUp;
        }
        self.failures += 1;
        Decision::Fail
    }

    fn fail(&mut self, policy: &CallPolicy, after: Option<Duration>, fraction: f64) -> Decision {
        self.failures += 1;
        if self.failures > policy.max_retries {
            return Decision::Fail;
        }
        // The backoff is added to the server's delay, so that calls that were given the same delay spread out.
        let wait = after.unwrap_or_default() + backoff::delay(policy, self.failures, fraction);
        if wait > policy.wait_max {
            return Decision::Defer(wait);
        }
        if !self.budget.withdraw() {
            // A random wait of up to the same length is added, so that calls that failed together spread out.
            return Decision::Defer((policy.backoff_max / 2).mul_f64(1.0 + fraction.clamp(0.0, 1.0)));
        }
        Decision::Wait(wait)
    }

    fn fail_once(&mut self, policy: &CallPolicy, fraction: f64) -> Decision {
        if std::mem::replace(&mut self.is_last, true) {
            self.failures += 1;
            return Decision::Fail;
        }
        self.fail(policy, None, fraction)
    }

    fn reconnect(&mut self, policy: &CallPolicy, fraction: f64) -> Decision {
        self.reconnects += 1;
        if self.reconnects > RECONNECTS_MAX {
            return self.fail(policy, None, fraction);
        }
        Decision::Wait(Duration::ZERO)
    }

    fn suspected(&mut self, policy: &CallPolicy, fraction: f64) -> Decision {
        let wait = SUSPICION_WAIT.saturating_mul(1 << self.suspicions.min(SUSPICIONS_MAX));
        let wait = wait + backoff::delay(policy, 1, fraction);
        self.suspicions += 1;
        if self.suspicions < SUSPICIONS_MAX { self.wait_freely(policy, wait) } else { Decision::Defer(wait) }
    }

    fn rate_limited(&mut self, policy: &CallPolicy, after: Option<Duration>, fraction: f64) -> Decision {
        self.rate_limits += 1;
        let wait = match after {
            None => backoff::delay(policy, self.rate_limits, fraction),
            // Somewhat longer than the provider asks, so that calls that were given the same delay spread out.
            Some(after) => after + backoff::delay(policy, 1, fraction),
        };
        if self.rate_limits >= RATE_LIMITS_MAX {
            return Decision::Defer(wait.max(policy.backoff_base));
        }
        self.wait_freely(policy, wait)
    }

    /// Waits without using up a retry, within the bound of all these waits together.
    fn wait_freely(&mut self, policy: &CallPolicy, wait: Duration) -> Decision {
        self.free_waits += wait;
        if self.free_waits > policy.wait_max {
            return Decision::Defer(wait.max(policy.backoff_base));
        }
        Decision::Wait(wait)
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

    /// Returns the decision on each advice in turn, without jitter (`fraction` 0) or with all of it (1).
    fn decisions(advices: &[Advice], fraction: f64) -> Vec<Decision> {
        let budget = RetryBudget::default();
        let mut state = RetryState::new(&budget, 0);
        advices
            .iter()
            .map(|advice| state.decide(&policy(), *advice, KeyAvailability::Unchanged, fraction))
            .collect()
    }

    #[test]
    fn failures_back_off_and_use_up_the_budget() {
        let waits = [1, 2, 4, 8].map(|seconds| Decision::Wait(secs(seconds)));
        assert_eq!(decisions(&[FAILED; 5], 1.0), [&waits[..], &[Decision::Fail]].concat());
    }

    #[test]
    fn the_servers_delay_is_honoured_and_only_lengthened() {
        let after = |seconds| Advice::RetryHere { after: Some(secs(seconds)) };
        assert_eq!(decisions(&[after(5)], 0.0), [Decision::Wait(secs(5))]);
        assert_eq!(decisions(&[after(0), after(0)], 1.0), [1, 2].map(|s| Decision::Wait(secs(s))));
        assert_eq!(
            decisions(&[after(20)], 1.0),
            [Decision::Wait(secs(21))],
            "those who were told the same spread"
        );
        assert_eq!(decisions(&[slow(20)], 0.0), [Decision::Wait(secs(20))]);
        assert_eq!(decisions(&[slow(20)], 1.0), [Decision::Wait(secs(21))]);
    }

    #[test]
    fn a_wait_above_the_maximum_defers() {
        assert_eq!(decisions(&[slow(31)], 0.0), [Decision::Defer(secs(31))]);
        assert_eq!(
            decisions(&[Advice::RetryHere { after: Some(secs(90)) }], 0.0),
            [Decision::Defer(secs(90))]
        );
    }

    #[test]
    fn rate_limit_waits_use_up_no_attempt() {
        let advices = [slow(1), slow(1), slow(1), slow(1), slow(1), slow(1), FAILED, FAILED, FAILED, FAILED];
        assert!(decisions(&advices, 0.0).iter().all(|decision| matches!(decision, Decision::Wait(_))));
    }

    #[test]
    fn rate_limit_waits_are_bounded_in_all() {
        assert_eq!(
            decisions(&[slow(20), slow(20)], 0.0),
            [Decision::Wait(secs(20)), Decision::Defer(secs(20))],
            "by their time"
        );
        let hot = decisions(&[slow(0); 10], 0.0);
        assert_eq!(hot[9], Decision::Defer(secs(1)), "by their number");
        assert!(hot[..9].iter().all(|decision| *decision == Decision::Wait(secs(0))));
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        let fix = Advice::FixRequest(crate::protocol::Form::default());
        assert_eq!(
            decisions(&[Advice::FailItem, fix, Advice::StopLane { after: None }], 1.0),
            [Decision::Fail, Decision::Fail, Decision::StopLane(secs(300))]
        );
    }

    #[test]
    fn what_would_repeat_itself_is_tried_once_more() {
        let advices = [Advice::RetryOnce, FAILED, Advice::RetryOnce];
        let waits = [1, 2].map(|seconds| Decision::Wait(secs(seconds)));
        assert_eq!(decisions(&advices, 1.0), [&waits[..], &[Decision::Fail]].concat());
    }

    #[test]
    fn failures_of_earlier_times_use_up_the_same_budget() {
        let budget = RetryBudget::default();
        let mut state = RetryState::new(&budget, 3);

        let decisions = [(); 2].map(|()| state.decide(&policy(), FAILED, KeyAvailability::Unchanged, 0.0));

        assert_eq!(decisions, [Decision::Wait(secs(0)), Decision::Fail]);
        assert_eq!(state.failures(), 5);
    }

    #[test]
    fn beyond_the_providers_budget_a_failure_defers() {
        let budget = RetryBudget::default();
        while budget.withdraw() {}
        let mut state = RetryState::new(&budget, 0);

        let decision = state.decide(&policy(), FAILED, KeyAvailability::Unchanged, 0.5);

        assert_eq!(decision, Decision::Defer(Duration::from_millis(22_500)));
        assert_eq!(
            state.decide(&policy(), slow(1), KeyAvailability::Unchanged, 0.0),
            Decision::Wait(secs(1)),
            "no failure"
        );
    }

    #[test]
    fn with_another_key_there_is_no_wait_and_without_one_the_lane_stops_until_one_is_back() {
        let budget = RetryBudget::default();
        let stop = Advice::StopLane { after: None };
        let mut state = RetryState::new(&budget, 0);

        assert_eq!(state.decide(&policy(), stop, KeyAvailability::AnotherKey, 1.0), Decision::Wait(secs(0)));
        assert_eq!(
            state.decide(&policy(), slow(90), KeyAvailability::AnotherKey, 1.0),
            Decision::Wait(secs(0))
        );
        assert_eq!(state.decide(&policy(), stop, KeyAvailability::Probing, 1.0), Decision::Wait(secs(2)));
        let until = Instant::now() + secs(100);
        let Decision::StopLane(left) = state.decide(&policy(), stop, KeyAvailability::NoneUntil(until), 1.0)
        else {
            panic!("the lane goes on without a key");
        };
        assert!(left <= secs(100) && left > secs(90), "{left:?}");
    }

    #[test]
    fn all_waits_that_use_up_no_retry_have_one_bound() {
        let budget = RetryBudget::default();
        let stop = Advice::StopLane { after: None };
        let mut state = RetryState::new(&budget, 0);

        let decisions = [
            (slow(20), KeyAvailability::Unchanged),
            (stop, KeyAvailability::Suspected),
            (stop, KeyAvailability::Suspected),
            (slow(5), KeyAvailability::Unchanged),
            (stop, KeyAvailability::Suspected),
        ]
        .map(|(advice, availability)| state.decide(&policy(), advice, availability, 0.0));

        let waits = [20, 1, 2, 5].map(|seconds| Decision::Wait(secs(seconds)));
        assert_eq!(decisions, [&waits[..], &[Decision::Defer(secs(4))]].concat()[..]);
    }

    #[test]
    fn a_request_that_is_refused_although_its_key_works_stops_no_lane() {
        let budget = RetryBudget::default();
        let stop = Advice::StopLane { after: None };
        let decision =
            RetryState::new(&budget, 0).decide(&policy(), stop, KeyAvailability::RequestRefused, 0.0);
        assert_eq!(decision, Decision::Fail);
    }
}
