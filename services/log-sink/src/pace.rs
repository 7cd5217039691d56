use std::time::Duration;

use tokio::time::Instant;

/// Longest time that a message waits for others to be written with it.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// Time between two writes of a partition, as a multiple of the time that the first of them took: small batches take at
/// most a tenth of a processor.
const WAIT_PER_WRITE: u32 = 9;

/// When a partition's next batch is written (group commit). A message that comes after a quiet time is written at once;
/// what comes soon after a write is gathered, the longer the more work a write is.
pub struct Pace {
    next: Instant,
}

impl Pace {
    pub fn new() -> Self {
        Self { next: Instant::now() }
    }

    /// Time from which on a batch is written with the messages that are there.
    pub const fn next(&self) -> Instant {
        self.next
    }

    /// Notes a write that began at `began` and ends now.
    pub fn wrote(&mut self, began: Instant) {
        let now = Instant::now();
        self.next = now + (now.duration_since(began) * WAIT_PER_WRITE).min(WAIT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_batch_waits_for_nothing_and_later_ones_by_the_work_of_a_write() {
        let mut pace = Pace::new();
        assert_eq!(pace.next(), Instant::now());
        for (took, wait) in [(0, 0), (1, 9), (5, 45), (6, 50), (900, 50)] {
            let began = Instant::now();
            advance(Duration::from_millis(took)).await;
            pace.wrote(began);
            assert_eq!(pace.next() - Instant::now(), Duration::from_millis(wait), "a write of {took} ms");
        }
    }
}
