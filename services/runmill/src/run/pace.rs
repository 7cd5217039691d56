use std::time::Duration;

use tokio::time::Instant;

/// Rate at which jobs settle while a command watches them.
pub struct Pace {
    /// Number of settled jobs at the first look, and its time.
    first: (u64, Instant),
    /// The same at the last look that showed further ones.
    last: (u64, Instant),
}

/// Shortest time without a settled job after which there is no rate.
const STALL: Duration = Duration::from_secs(10);
/// Number of usual intervals between two settled jobs after which there is none.
const STALL_INTERVALS: u32 = 3;
/// Time from which on a rate means something.
const LEAST: Duration = Duration::from_millis(500);

impl Pace {
    pub fn new(settled: u64) -> Self {
        let now = (settled, Instant::now());
        Self { first: now, last: now }
    }

    /// Returns the number of jobs a second since the first look. Zero in the beginning, and while nothing settles.
    pub fn look(&mut self, settled: u64) -> f64 {
        let now = Instant::now();
        if settled > self.last.0 {
            self.last = (settled, now);
        }
        let ((from, since), elapsed) = (self.first, now - self.first.1);
        let jobs = settled.saturating_sub(from);
        let interval = elapsed / u32::try_from(jobs.max(1)).unwrap_or(u32::MAX);
        let is_stalled = now - self.last.1 > STALL.max(interval * STALL_INTERVALS);
        if is_stalled || now - since < LEAST {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let jobs = jobs as f64;
        jobs / elapsed.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rate_ends_when_nothing_settles_any_more() {
        let mut pace = Pace::new(5);
        assert_eq!(pace.look(5).to_bits(), 0.0_f64.to_bits());
        advance(Duration::from_secs(2)).await;
        assert!((pace.look(25) - 10.0).abs() < 1e-9);
        advance(Duration::from_secs(10)).await;
        assert!(pace.look(25) > 0.0);
        advance(Duration::from_secs(1)).await;
        assert_eq!(pace.look(25).to_bits(), 0.0_f64.to_bits());
        assert!(pace.look(26) > 0.0, "it goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_that_settle_seldom_have_a_rate_all_the_time() {
        let mut pace = Pace::new(0);
        advance(Duration::from_mins(1)).await;
        assert!(pace.look(2) > 0.0);
        advance(Duration::from_secs(30)).await;
        assert!(pace.look(2) > 0.0);
    }
}
