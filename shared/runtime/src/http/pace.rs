use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// Least speed of a client. The time that the server itself takes does not count.
pub struct Pace {
    window: Duration,
    least: u64,
    /// Time of waiting in this window, without the wait that is in progress.
    waited: Duration,
    /// Bytes that moved in this window.
    moved: u64,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// Demands that `least` bytes or more move in each `window` of waiting.
    pub const fn new(window: Duration, least: u64) -> Self {
        Self { window, least, waited: Duration::ZERO, moved: 0, since: None, timer: None }
    }

    /// Notes that the server waits for the client. Ready once the client is too slow.
    pub fn poll_too_slow(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.since.is_none() {
                let now = Instant::now();
                self.since = Some(now);
                let end = now + self.window.saturating_sub(self.waited);
                self.timer.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO))).as_mut().reset(end);
            }
            let timer = self.timer.as_mut().expect("it is made with the beginning of the wait");
            ready!(timer.as_mut().poll(context));
            if self.moved < self.least {
                return Poll::Ready(());
            }
            (self.waited, self.moved, self.since) = (Duration::ZERO, 0, None);
        }
    }

    /// Notes that bytes have moved, so that the server waits no longer.
    pub fn moved(&mut self, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.moved += bytes as u64;
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

        assert_eq!(begun.elapsed(), 2 * WINDOW);
    }
}
