use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// Least speed of a client. The time that the server itself takes does not count.
pub struct Pace {
    window: Duration,
    least: usize,
    /// Time of waiting for the next `least` bytes, without the wait that is in progress.
    waited: Duration,
    /// Bytes of the next `least` that have moved.
    moved: usize,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// Demands that the server waits at most for `window` until `least` more bytes have moved.
    pub const fn new(window: Duration, least: usize) -> Self {
        Self { window, least, waited: Duration::ZERO, moved: 0, since: None, timer: None }
    }

    /// Returns how long the server has waited for the next `least` bytes, up to its last wait.
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// Notes that the server waits for the client. Ready once the client is too slow.
    pub fn poll_too_slow(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            timer.as_mut().reset(now + self.window.saturating_sub(self.waited));
        }
        timer.as_mut().poll(context)
    }

    /// Notes that bytes have moved, so that the server waits no longer.
    pub fn moved(&mut self, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.moved += bytes;
        if self.moved >= self.least {
            (self.waited, self.moved) = (Duration::ZERO, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::timeout;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    /// Waits for the client for `wait`. Returns true if it was found too slow meanwhile.
    async fn is_too_slow_within(pace: &mut Pace, wait: Duration) -> bool {
        timeout(wait, poll_fn(|context| pace.poll_too_slow(context))).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_trickles_is_found_out_and_a_slow_one_is_not() {
        for (bytes, want) in [(1, true), (100, false)] {
            let mut pace = Pace::new(WINDOW, 1_000);
            let mut found = false;
            // Something comes every two seconds, so no single wait is long.
            for _ in 0..40 {
                found |= is_too_slow_within(&mut pace, Duration::from_secs(2)).await;
                pace.moved(bytes);
            }
            assert_eq!(found, want, "{bytes} bytes each two seconds");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_the_server_takes_does_not_count() {
        let mut pace = Pace::new(WINDOW, 1_000);
        for _ in 0..10 {
            assert!(!is_too_slow_within(&mut pace, Duration::from_secs(1)).await);
            pace.moved(1);
            tokio::time::sleep(WINDOW).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_is_no_credit_for_a_later_stall() {
        let mut pace = Pace::new(WINDOW, 1_000);
        pace.moved(1_000_000_000);
        let begun = Instant::now();

        poll_fn(|context| pace.poll_too_slow(context)).await;

        assert_eq!(begun.elapsed(), WINDOW);
    }
}
