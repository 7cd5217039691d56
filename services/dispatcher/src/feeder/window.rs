use std::{collections::HashMap, time::Duration};

use runmill_proto::RunId;
use runmill_store::ActiveRun;
use tokio::time::Instant;

/// Returns the number of jobs of a lane that may be in the queue or in flight: `max(8, 2 x concurrency, 0.5 s of the
/// measured rate)`, within the limit of its rate.
///
/// Twice the concurrency keeps executors busy while the next jobs are fed. Half a second of the rate covers the time
/// until results are recorded, which matters when calls are very short. A larger window would only make new runs wait.
/// For the same reason, the jobs of a lane whose rate is limited are at most 8 and those of 10 s.
pub fn window(concurrency: u32, calls_per_second: Option<f64>, settled_per_second: f64) -> u64 {
    let window = LEAST.max(2 * u64::from(concurrency)).max(whole(settled_per_second * 0.5));
    calls_per_second.map_or(window, |rate| window.min(LEAST + whole(rate * 10.0)))
}

const LEAST: u64 = 8;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2^52"
)]
const fn whole(jobs: f64) -> u64 {
    jobs as u64
}

/// Measures how many jobs of a lane are settled per second, smoothed over about a second.
pub struct RateMeter {
    settled: HashMap<RunId, u64>,
    at: Instant,
    per_second: f64,
}

/// Time after which an old rate has a weight of 1/e.
const SMOOTHING: Duration = Duration::from_secs(1);

impl RateMeter {
    pub fn new(now: Instant) -> Self {
        Self { settled: HashMap::new(), at: now, per_second: 0.0 }
    }

    pub fn per_second(&self) -> f64 {
        self.per_second
    }

    /// Updates the rate from the settled jobs of the lane's runs at `now`. A run that is seen for the first time adds
    /// nothing.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn observe(&mut self, runs: &[ActiveRun], now: Instant) {
        let elapsed = (now - self.at).as_secs_f64();
        if elapsed <= 0.0 {
            return;
        }
        let counts: HashMap<_, _> = runs.iter().map(|run| (run.run.id, run.run.stats.settled())).collect();
        let before = |id: &RunId, count: u64| self.settled.get(id).copied().unwrap_or(count);
        let news: u64 = counts.iter().map(|(id, &count)| count.saturating_sub(before(id, count))).sum();
        let weight = 1.0 - (-elapsed / SMOOTHING.as_secs_f64()).exp();
        self.per_second += weight * (news as f64 / elapsed - self.per_second);
        self.settled = counts;
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_the_largest_of_three() {
        for (concurrency, rate, want) in [(1, 0.0, 8), (20, 30.0, 40), (20, 4_000.0, 2_000), (64, 100.0, 128)]
        {
            assert_eq!(window(concurrency, None, rate), want, "{concurrency} calls, {rate} a second");
        }
    }

    #[test]
    fn a_limited_rate_limits_the_window() {
        for (rate, want) in [(0.001, 8), (1.0, 18), (10.0, 108), (100.0, 1_008), (10_000.0, 1_024)] {
            assert_eq!(window(512, Some(rate), 0.0), want, "{rate} a second");
        }
    }
}
