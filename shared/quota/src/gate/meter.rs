use std::time::Duration;

use runmill_proto::lease::Resource;
use tokio::time::Instant;

use super::{Allowance, Need, bucket::Bucket};
use crate::lease::Pace;

/// Allowance of one set of limits, and its use.
#[derive(Debug)]
pub(super) struct Meter {
    concurrency: u32,
    in_flight: u32,
    /// Most attempts in flight since the use was last read.
    peak: u32,
    open_for: Duration,
    buckets: [Option<Bucket>; RATES.len()],
    /// Resources of which an attempt was short since the use was last read.
    short_of: Vec<Resource>,
}

/// Resources that are rates, in the order of a meter's buckets.
const RATES: [Resource; 3] = [Resource::CallsPerMinute, Resource::CallsPerSecond, Resource::TokensPerMinute];

/// Use of one set of limits by this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeUse {
    /// Number of attempts in flight. After the allowance shrank it is above the allowance for a while.
    pub in_flight: u32,
    /// Most attempts in flight at once since this was last read.
    pub peak: u32,
    /// Number of attempts that wait to be admitted.
    pub waiting: u32,
    /// Resources of which an attempt was short since this was last read, in no order.
    pub short_of: Vec<Resource>,
    /// Longest [`Ask::open_for`](crate::Ask::open_for) since there was last no attempt in flight.
    pub open_for: Duration,
}

/// Time of which a consumer takes as many jobs as a rate allows.
const AHEAD_SECONDS: f64 = 10.0;

impl Meter {
    pub const fn unlimited() -> Self {
        Self {
            concurrency: u32::MAX,
            in_flight: 0,
            peak: 0,
            open_for: Duration::ZERO,
            buckets: [const { None }; RATES.len()],
            short_of: Vec::new(),
        }
    }

    pub fn set(&mut self, allowance: &Allowance, now: Instant) {
        self.concurrency = allowance.concurrency;
        let paces = [allowance.calls_per_minute, allowance.calls_per_second, allowance.tokens_per_minute];
        for (bucket, pace) in self.buckets.iter_mut().zip(paces) {
            match (bucket.as_mut(), pace) {
                (Some(bucket), Some(pace)) if bucket.pace() == pace => {}
                (Some(bucket), Some(pace)) => bucket.set_pace(pace, now),
                _ => *bucket = pace.map(|pace| Bucket::new(pace, now)),
            }
        }
    }

    pub const fn concurrency(&self) -> u32 {
        self.concurrency
    }

    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Returns the limit of a resource in its own unit; infinite if there is none.
    pub fn limit(&self, resource: Resource) -> f64 {
        let per_second = |index: usize| self.buckets[index].as_ref().map(|bucket| bucket.pace().per_second);
        match resource {
            Resource::Concurrency => f64::from(self.concurrency),
            Resource::CallsPerMinute => per_second(0).map_or(f64::INFINITY, |rate| rate * 60.0),
            Resource::CallsPerSecond => per_second(1).unwrap_or(f64::INFINITY),
            Resource::TokensPerMinute => per_second(2).map_or(f64::INFINITY, |rate| rate * 60.0),
        }
    }

    /// Returns the resources that an attempt lacks now, each with the time at which it is there. The time is `None` if
    /// something else must happen first, such as the end of another attempt.
    pub fn shortages(&self, need: &Need, now: Instant) -> impl Iterator<Item = (Resource, Option<Instant>)> {
        let slot = (self.in_flight >= self.concurrency).then_some((Resource::Concurrency, None));
        let rates = RATES.into_iter().zip(&self.buckets).filter_map(move |(resource, bucket)| {
            let ready = bucket.as_ref()?.ready_at(cost(resource, need), now);
            ready.is_none_or(|at| at > now).then_some((resource, ready))
        });
        slot.into_iter().chain(rates)
    }

    /// Remembers the resources that a waiting attempt lacks.
    pub fn note_shortages(&mut self, need: &Need, now: Instant) {
        let mut short_of = std::mem::take(&mut self.short_of);
        for (resource, _) in self.shortages(need, now) {
            if !short_of.contains(&resource) {
                short_of.push(resource);
            }
        }
        self.short_of = short_of;
    }

    pub fn start(&mut self, need: &Need, now: Instant) {
        let longest = if self.in_flight == 0 { Duration::ZERO } else { self.open_for };
        self.open_for = longest.max(need.open_for);
        self.in_flight += 1;
        self.peak = self.peak.max(self.in_flight);
        for (resource, bucket) in RATES.into_iter().zip(&mut self.buckets) {
            if let Some(bucket) = bucket {
                bucket.take(cost(resource, need), now);
            }
        }
    }

    /// Ends an attempt that used `excess` more tokens than it had reserved, or less if that is negative.
    pub fn end(&mut self, excess: f64, now: Instant) {
        self.in_flight -= 1;
        if let [.., Some(tokens)] = &mut self.buckets {
            tokens.take(excess, now);
        }
    }

    pub fn empty_buckets(&mut self, now: Instant) {
        self.buckets.iter_mut().flatten().for_each(|bucket| bucket.lower_to(0.0, now));
    }

    /// Lowers the level of the tokens' bucket.
    pub fn lower_tokens_to(&mut self, level: f64, now: Instant) {
        if let [.., Some(tokens)] = &mut self.buckets {
            tokens.lower_to(level, now);
        }
    }

    /// Returns the number of attempts that may be in hand, in flight or waiting. A call has at least one token, so a
    /// rate of tokens allows no more calls than that.
    pub fn startable(&self) -> u32 {
        let paces = self.buckets.iter().flatten().map(Bucket::pace);
        paces.fold(self.concurrency, |least, pace| least.min(self.startable_at(pace)))
    }

    fn startable_at(&self, pace: Pace) -> u32 {
        if pace.burst <= 0.0 {
            return 0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is not negative, and large ones saturate"
        )]
        let ahead = (pace.per_second * AHEAD_SECONDS).ceil() as u32;
        self.in_flight.saturating_add(ahead).saturating_add(1)
    }

    /// Returns the use so far.
    pub fn peek(&self, waiting: u32) -> ScopeUse {
        ScopeUse {
            in_flight: self.in_flight,
            peak: self.peak,
            waiting,
            short_of: self.short_of.clone(),
            open_for: if self.in_flight == 0 { Duration::ZERO } else { self.open_for },
        }
    }

    /// Returns the use, and starts to collect anew.
    pub fn read(&mut self, waiting: u32) -> ScopeUse {
        let usage = self.peek(waiting);
        self.peak = self.in_flight;
        self.short_of.clear();
        usage
    }
}

fn cost(resource: Resource, need: &Need) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    match resource {
        Resource::TokensPerMinute => need.tokens as f64,
        _ => 1.0,
    }
}
