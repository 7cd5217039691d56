use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Limits, Meter, Rate, Standing};

const MINUTE: Duration = Duration::from_mins(1);

/// Use of one model's limits by one caller.
#[derive(Debug)]
pub(super) struct Usage {
    pub in_flight: u32,
    /// Calls left in the bucket, and the time at which they were counted.
    bucket: Option<(f64, Instant)>,
    /// Beginnings of calls, and their tokens, of the last minute. Each call is within a limit of the minute, so their
    /// number is, too.
    minute: VecDeque<(Instant, u64)>,
    tokens: u64,
}

/// Unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    CallsInFlight,
    CallsPerSecond,
    CallsPerMinute,
    TokensPerMinute,
}

/// A limit that a call would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    pub unit: Unit,
    pub limit: u64,
    pub used: u64,
    pub requested: u64,
}

impl Usage {
    pub fn new() -> Self {
        Self { in_flight: 0, bucket: None, minute: VecDeque::new(), tokens: 0 }
    }

    /// Counts a call that begins at `now`, or returns the limit that it would exceed.
    pub fn admit(&mut self, limits: &Limits, tokens: u64, now: Instant) -> Result<(), Excess> {
        self.forget(now);
        let left = limits.per_second.map(|rate| self.left(rate, now));
        let one = |unit, limit: u32, used: u64| Excess { unit, limit: limit.into(), used, requested: 1 };
        if let Some(limit) = limits.slots.filter(|limit| self.in_flight >= *limit) {
            return Err(one(Unit::CallsInFlight, limit, self.in_flight.into()));
        }
        if let Some(rate) = limits.per_second.filter(|_| left.is_some_and(|left| left < 1.0)) {
            return Err(one(Unit::CallsPerSecond, rate.calls, rate.calls.into()));
        }
        let calls = self.minute.len() as u64;
        if let Some(limit) = limits.per_minute.filter(|limit| calls >= (*limit).into()) {
            return Err(one(Unit::CallsPerMinute, limit, calls));
        }
        if let Some(limit) = limits.tokens_per_minute.filter(|limit| self.tokens + tokens > (*limit).into()) {
            let limit = limit.into();
            return Err(Excess { unit: Unit::TokensPerMinute, limit, used: self.tokens, requested: tokens });
        }
        self.count(limits, tokens, left, now);
        Ok(())
    }

    pub fn standing(&self, limits: &Limits, now: Instant) -> Standing {
        let reset = self
            .minute
            .back()
            .map_or(Duration::ZERO, |(at, _)| (*at + MINUTE).saturating_duration_since(now));
        let of_minute = |limit: u32, used: u64| Meter {
            limit,
            remaining: limit.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX)),
            reset,
        };
        let requests = limits.per_minute.map(|limit| of_minute(limit, self.minute.len() as u64));
        Standing {
            requests: requests.or_else(|| limits.per_second.map(|rate| self.of_bucket(rate))),
            tokens: limits.tokens_per_minute.map(|limit| of_minute(limit, self.tokens)),
        }
    }

    fn of_bucket(&self, rate: Rate) -> Meter {
        let left = self.bucket.map_or(f64::from(rate.burst), |(left, _)| left);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 0 to the burst"
        )]
        let remaining = left as u32;
        let reset = Duration::from_secs_f64((f64::from(rate.burst) - left) / f64::from(rate.calls));
        Meter { limit: rate.burst, remaining, reset }
    }

    /// Returns the number of calls in the bucket.
    fn left(&self, rate: Rate, now: Instant) -> f64 {
        let Some((left, at)) = self.bucket else { return rate.burst.into() };
        (left + f64::from(rate.calls) * now.saturating_duration_since(at).as_secs_f64())
            .min(rate.burst.into())
    }

    fn count(&mut self, limits: &Limits, tokens: u64, left: Option<f64>, now: Instant) {
        self.in_flight += 1;
        self.bucket = left.map(|left| (left - 1.0, now));
        if limits.per_minute.is_some() || limits.tokens_per_minute.is_some() {
            self.minute.push_back((now, tokens));
            self.tokens += tokens;
        }
    }

    fn forget(&mut self, now: Instant) {
        while let Some((_, tokens)) =
            self.minute.pop_front_if(|(at, _)| now.saturating_duration_since(*at) >= MINUTE)
        {
            self.tokens -= tokens;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Limits = Limits { slots: None, per_second: None, per_minute: None, tokens_per_minute: None };

    /// Returns the times in milliseconds at which a call of `tokens` is admitted, of one call every 10 ms.
    fn admitted(limits: Limits, tokens: u64, end_ms: u64) -> Vec<u64> {
        let (start, mut usage) = (Instant::now(), Usage::new());
        let at = |ms| start + Duration::from_millis(ms);
        (0..end_ms).step_by(10).filter(|ms| usage.admit(&limits, tokens, at(*ms)).is_ok()).collect()
    }

    #[test]
    fn a_bucket_has_its_burst_and_then_its_rate() {
        let limits = Limits { per_second: Some(Rate { calls: 10, burst: 3 }), ..NONE };

        assert_eq!(admitted(limits, 1, 400), [0, 10, 20, 100, 200, 300]);
    }

    #[test]
    fn a_minute_slides() {
        let calls = Limits { per_minute: Some(2), ..NONE };
        let tokens = Limits { tokens_per_minute: Some(100), ..NONE };

        assert_eq!(admitted(calls, 1, 70_000), [0, 10, 60_000, 60_010]);
        assert_eq!(admitted(tokens, 40, 70_000), [0, 10, 60_000, 60_010]);
        assert_eq!(admitted(tokens, 101, 70_000), [] as [u64; 0]);
    }

    #[test]
    fn slots_are_taken_until_they_are_returned() {
        let (now, limits) = (Instant::now(), Limits { slots: Some(1), ..NONE });
        let mut usage = Usage::new();
        usage.admit(&limits, 1, now).unwrap();

        let excess = usage.admit(&limits, 1, now).unwrap_err();
        usage.in_flight -= 1;

        assert_eq!((excess.unit, excess.limit, excess.used), (Unit::CallsInFlight, 1, 1));
        assert!(usage.admit(&limits, 1, now).is_ok());
    }

    #[test]
    fn the_standing_tells_what_is_left_and_when_it_is_full_again() {
        let now = Instant::now();
        let limits = Limits { per_minute: Some(10), tokens_per_minute: Some(100), ..NONE };
        let mut usage = Usage::new();
        usage.admit(&limits, 30, now).unwrap();

        let standing = usage.standing(&limits, now + Duration::from_secs(20));

        let reset = Duration::from_secs(40);
        assert_eq!(standing.requests, Some(Meter { limit: 10, remaining: 9, reset }));
        assert_eq!(standing.tokens, Some(Meter { limit: 100, remaining: 70, reset }));
    }
}
