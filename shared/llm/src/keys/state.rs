use tokio::time::{Duration, Instant};

use super::{
    refusals::Refusal,
    suspicion::{Evidence, Finding, Suspicion},
};
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
    /// The first refusal that no success has followed.
    suspicion: Option<Suspicion>,
    /// Start of the latest attempt that the provider accepted. `None` if it has accepted none since the breaker opened.
    accepted: Option<Instant>,
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

    /// Judges the refusal of an attempt that began at `taken`. `before` has the earlier refusals of the same request.
    pub fn judge(&mut self, call: &str, taken: Instant, before: Option<Refusal>) -> Finding {
        if self.breaker.is_some() {
            return Finding::Key;
        }
        let is_alone = self.in_flight <= 1;
        let evidence = Evidence { call, taken, before, accepted: self.accepted, is_alone };
        let finding = evidence.judge(self.suspicion.as_ref());
        if finding == Finding::Unclear {
            self.suspicion.get_or_insert_with(|| Suspicion::new(&evidence)).add(&evidence);
        }
        finding
    }

    /// Returns true if the provider has accepted the key since its breaker opened last.
    pub const fn has_worked(&self) -> bool {
        self.accepted.is_some()
    }

    /// Returns true if an attempt that began at `taken` shows nothing, because the breaker was reset since.
    pub fn is_outdated(&self, taken: Instant) -> bool {
        self.reset_at.is_some_and(|reset| reset > taken)
    }

    /// Opens the breaker because of an attempt that began at `taken`, unless it was reset since.
    pub fn open(&mut self, reason: &ModelError, taken: Instant, until: Instant) {
        if !self.is_outdated(taken) {
            (self.suspicion, self.accepted) = (None, None);
            let (since, reason) = (Instant::now(), reason.clone());
            self.breaker = Some(OpenBreaker { since, until, reason, probe_until: None });
        }
    }

    pub fn limit(&mut self, until: Instant) {
        self.rate_limited_until = self.rate_limited_until.max(Some(until));
    }

    /// Closes the breaker and ends every suspicion, because the provider accepted the key in an attempt that began at
    /// `taken`. An attempt that began before the breaker opened proves nothing.
    pub fn close(&mut self, taken: Instant) {
        self.breaker.take_if(|open| open.since <= taken);
        if self.breaker.is_none() {
            self.suspicion = None;
            self.accepted = self.accepted.max(Some(taken));
        }
    }

    /// Makes an open breaker half-open at once.
    pub fn reset(&mut self, now: Instant) {
        self.reset_at = Some(now);
        self.suspicion = None;
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
