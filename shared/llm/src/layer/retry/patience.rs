use std::time::Duration;

use super::backoff;
use crate::{Advice, CallPolicy};

/// What comes after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    Wait(Duration),
    Defer(Duration),
    Fail,
    StopLane,
    GiveUp,
}

/// How much of a call's patience is used up.
///
/// A failure uses up one of `max_retries`. Waiting for a rate limit does not; what bounds it is the time, all
/// waits of the call together, and a number of attempts, for a provider may ask for no wait at all. Beyond
/// either the call is deferred, for its slot and its job are better used by others.
pub(super) struct Patience<'a> {
    policy: &'a CallPolicy,
    failures: u32,
    slowdowns: u32,
    slowed: Duration,
}

/// Rate-limited attempts of one call. With the default backoff this many take longer than any `wait_max`.
const SLOWDOWNS_MAX: u32 = 10;

impl<'a> Patience<'a> {
    pub fn new(policy: &'a CallPolicy) -> Self {
        Self { policy, failures: 0, slowdowns: 0, slowed: Duration::ZERO }
    }

    /// * `fraction`: where in the range of a random wait, `0.0..=1.0`.
    pub fn next(&mut self, advice: Advice, fraction: f64) -> Next {
        match advice {
            Advice::RetryHere { after } => self.fail(after, fraction),
            Advice::SlowDown { after } => self.slow_down(after, fraction),
            // A form that could be fixed has been; what comes here is a provider that takes none.
            Advice::FixRequest(_) | Advice::FailItem => Next::Fail,
            Advice::StopLane { .. } => Next::StopLane,
            Advice::GiveUp => Next::GiveUp,
        }
    }

    fn fail(&mut self, after: Option<Duration>, fraction: f64) -> Next {
        self.failures += 1;
        if self.failures > self.policy.max_retries {
            return Next::Fail;
        }
        let wait = backoff::delay(self.policy, self.failures, fraction).max(after.unwrap_or_default());
        if wait > self.policy.wait_max { Next::Defer(wait) } else { Next::Wait(wait) }
    }

    fn slow_down(&mut self, after: Option<Duration>, fraction: f64) -> Next {
        self.slowdowns += 1;
        let wait = match after {
            None => backoff::delay(self.policy, self.slowdowns, fraction),
            // A little more than asked for, so that those who were told the same do not all come back at once.
            Some(after) => after + backoff::delay(self.policy, 1, fraction),
        };
        self.slowed += wait;
        if self.slowdowns >= SLOWDOWNS_MAX || self.slowed > self.policy.wait_max {
            return Next::Defer(wait.max(self.policy.backoff_base));
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
        let policy = policy();
        let mut patience = Patience::new(&policy);
        advices.iter().map(|advice| patience.next(*advice, fraction)).collect()
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
            [Next::Fail, Next::Fail, Next::StopLane]
        );
    }
}
