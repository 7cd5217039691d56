use std::time::Duration;

use tokio::time::Instant;

use crate::lease::Pace;

/// Token bucket, which is for calls the same as GCRA. It starts empty, so that a share that moves from one executor to
/// another brings no burst along.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pace: Pace,
    /// Level at `at`. It is below zero after a call that was larger than the bucket, or than its estimate.
    level: f64,
    at: Instant,
}

/// Part of what is needed that may be missing because of rounding.
const ROUNDING: f64 = 1e-9;

/// Longest time for which a wait is predicted.
const WAIT_MAX: f64 = 3_600.0;

impl Bucket {
    pub fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, level: 0.0, at: now }
    }

    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// Changes the pace from now on. The bucket does not fill, and what is above the new burst is dropped.
    pub fn set_pace(&mut self, pace: Pace, now: Instant) {
        self.level = self.level(now).min(pace.burst);
        self.at = now;
        self.pace = pace;
    }

    /// Returns the time from which `cost` can be taken; `None` if that is never. A cost above the burst needs a full
    /// bucket only.
    pub fn ready_at(&self, cost: f64, now: Instant) -> Option<Instant> {
        if self.pace.burst <= 0.0 {
            return None;
        }
        let missing = cost.min(self.pace.burst) * (1.0 - ROUNDING) - self.level(now);
        if missing <= 0.0 {
            return Some(now);
        }
        let wait = missing / self.pace.per_second;
        // A wait that rounds to nothing would be over before it began.
        let wait = Duration::from_secs_f64(wait.clamp(1e-6, WAIT_MAX));
        (self.pace.per_second > 0.0).then(|| now + wait)
    }

    pub fn take(&mut self, cost: f64, now: Instant) {
        self.level = self.level(now) - cost;
        self.at = now;
    }

    /// Lowers the level, if it is higher.
    pub fn lower_to(&mut self, level: f64, now: Instant) {
        self.level = self.level(now).min(level);
        self.at = now;
    }

    fn level(&self, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        (self.level + self.pace.per_second * seconds).min(self.pace.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Returns the seconds until `cost` can be taken.
    fn wait(bucket: &Bucket, cost: f64, now: Instant) -> Option<f64> {
        let wait = bucket.ready_at(cost, now)? - now;
        Some((wait.as_secs_f64() * 1e3).round() / 1e3)
    }

    #[test]
    fn it_starts_empty_and_fills_up_to_its_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Pace { per_second: 2.0, burst: 3.0 }, start);

        assert_eq!(wait(&bucket, 1.0, start), Some(0.5));
        let later = start + seconds(60.0);
        (0..3).for_each(|_| bucket.take(1.0, later));
        assert_eq!(wait(&bucket, 1.0, later), Some(0.5));
    }

    #[test]
    fn a_cost_above_the_burst_takes_a_full_bucket_and_leaves_a_debt() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Pace { per_second: 10.0, burst: 20.0 }, start);

        assert_eq!(wait(&bucket, 100.0, start), Some(2.0));
        let full = start + seconds(2.0);
        bucket.take(100.0, full);
        assert_eq!(wait(&bucket, 1.0, full), Some(8.1));
    }

    #[test]
    fn a_new_pace_neither_fills_it_nor_leaves_more_than_its_burst() {
        let start = Instant::now();
        let full = start + seconds(60.0);
        let mut bucket = Bucket::new(Pace { per_second: 1.0, burst: 2.0 }, start);

        bucket.set_pace(Pace { per_second: 1.0, burst: 8.0 }, full);
        assert_eq!(wait(&bucket, 3.0, full), Some(1.0), "it still has 2");
        bucket.set_pace(Pace { per_second: 1.0, burst: 1.0 }, full);
        bucket.set_pace(Pace { per_second: 1.0, burst: 8.0 }, full);
        assert_eq!(wait(&bucket, 2.0, full), Some(1.0), "it has 1 left");
    }

    #[test]
    fn a_pace_of_nothing_is_never_ready() {
        let now = Instant::now();
        for pace in [Pace { per_second: 5.0, burst: 0.0 }, Pace { per_second: 0.0, burst: 5.0 }] {
            assert_eq!(Bucket::new(pace, now).ready_at(1.0, now), None, "{pace:?}");
        }
    }
}
