use std::time::Duration;

use tokio::time::Instant;

/// Wait of one call for a server that starts or restarts.
#[derive(Debug)]
pub(super) struct ServerWait {
    since: Option<Instant>,
    attempts: u32,
}

/// Longest time for which one call waits. A server that is away for longer costs few jobs if they are deferred.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Wait before the second attempt. It doubles up to [`WAIT_MAX`].
const WAIT: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(1);

impl ServerWait {
    pub const fn new() -> Self {
        Self { since: None, attempts: 0 }
    }

    /// Returns the wait before the next attempt, or `None` if the call has waited for long enough.
    ///
    /// * `fraction`: position in the range of a random wait, `0.0..=1.0`.
    pub fn next(&mut self, fraction: f64) -> Option<Duration> {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let ceiling = WAIT.saturating_mul(1 << self.attempts.min(8)).min(WAIT_MAX);
        self.attempts += 1;
        let wait = ceiling.mul_f64(0.5 + fraction.clamp(0.0, 1.0) / 2.0);
        (now + wait <= since + TIME_MAX).then_some(wait)
    }
}
