use tokio::time::{Duration, Instant};

use crate::ModelError;

/// State of one key: its load, its rate limit and its circuit breaker.
#[derive(Debug, Default)]
pub(super) struct KeyState {
    pub in_flight: u32,
    /// Number of attempts since the process started.
    pub uses: u64,
    rate_limited_until: Option<Instant>,
    /// The circuit breaker while it is open or half-open; `None` while it is closed.
    breaker: Option<OpenBreaker>,
    /// Time of the last [`Self::reset`].
    reset_at: Option<Instant>,
}

/// A circuit breaker that is open, or half-open once `until` has passed.
#[derive(Debug)]
struct OpenBreaker {
    since: Instant,
    until: Instant,
    reason: ModelError,
    /// Time until which a probing call excludes other calls from the key. `None` if no call probes it.
    probe_until: Option<Instant>,
}

/// Longest time for which a probing call excludes other calls from a key.
const PROBE_TIME: Duration = Duration::from_secs(30);

impl KeyState {
    /// Returns true if the breaker is closed, or half-open and without a probe in flight.
    pub fn is_usable(&self, now: Instant) -> bool {
        self.breaker.as_ref().is_none_or(|open| open.until <= now && !open.is_probed(now))
    }

    /// Returns true while a call probes the key.
    pub fn is_probed(&self, now: Instant) -> bool {
        self.breaker.as_ref().is_some_and(|open| open.is_probed(now))
    }

    /// Counts an attempt that starts to use the key. If the breaker is half-open, this attempt is the probe.
    pub fn take(&mut self, now: Instant) {
        self.in_flight += 1;
        self.uses += 1;
        if let Some(open) = &mut self.breaker {
            open.probe_until = Some(now + PROBE_TIME);
        }
    }

    /// Ends the use of the key by an attempt that began at `taken`, with any result.
    pub fn release(&mut self, taken: Instant) {
        self.in_flight -= 1;
        if let Some(open) = self.breaker.as_mut().filter(|open| open.since <= taken) {
            open.probe_until = None;
        }
    }

    /// Opens the breaker because of an attempt that began at `taken`, unless it was reset since.
    pub fn open(&mut self, reason: &ModelError, taken: Instant, until: Instant) {
        if self.reset_at.is_none_or(|reset| reset <= taken) {
            let (since, reason) = (Instant::now(), reason.clone());
            self.breaker = Some(OpenBreaker { since, until, reason, probe_until: None });
        }
    }

    pub fn limit(&mut self, until: Instant) {
        self.rate_limited_until = self.rate_limited_until.max(Some(until));
    }

    /// Closes the breaker, because the provider accepted the key in an attempt that began at `taken`. An attempt that
    /// began before the breaker opened proves nothing.
    pub fn close(&mut self, taken: Instant) {
        self.breaker.take_if(|open| open.since <= taken);
    }

    /// Makes an open breaker half-open at once.
    pub fn reset(&mut self, now: Instant) {
        self.reset_at = Some(now);
        if let Some(open) = &mut self.breaker {
            open.until = now;
        }
    }

    /// Returns the remaining time for which the key is rate-limited.
    pub fn cooldown(&self, now: Instant) -> Duration {
        self.rate_limited_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Returns the reason why the breaker is open, and the time at which it becomes half-open.
    pub fn opened(&self) -> Option<(&ModelError, Instant)> {
        self.breaker.as_ref().map(|open| (&open.reason, open.until))
    }
}

impl OpenBreaker {
    fn is_probed(&self, now: Instant) -> bool {
        self.probe_until.is_some_and(|until| now < until)
    }
}
