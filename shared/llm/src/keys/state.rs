use tokio::time::{Duration, Instant};

use crate::ModelError;

/// How a key stands.
#[derive(Debug, Default)]
pub(super) struct KeyState {
    pub in_flight: u32,
    /// Since the start.
    pub uses: u64,
    /// Over its rate limit until then.
    cools_until: Option<Instant>,
    set_aside: Option<SetAside>,
}

#[derive(Debug)]
struct SetAside {
    /// Then one call may try it.
    until: Instant,
    reason: ModelError,
}

/// How long a call that tries a key keeps the others from it.
const TRIAL: Duration = Duration::from_secs(30);

impl KeyState {
    pub fn is_usable(&self, now: Instant) -> bool {
        self.set_aside.as_ref().is_none_or(|aside| aside.until <= now)
    }

    pub fn take(&mut self, now: Instant) {
        self.in_flight += 1;
        self.uses += 1;
        if let Some(aside) = &mut self.set_aside {
            aside.until = now + TRIAL;
        }
    }

    pub fn set_aside_for(&mut self, reason: &ModelError, until: Instant) {
        self.set_aside = Some(SetAside { until, reason: reason.clone() });
    }

    pub fn cool(&mut self, until: Instant) {
        self.cools_until = self.cools_until.max(Some(until));
    }

    /// The provider took it.
    pub fn prove(&mut self) {
        self.set_aside = None;
    }

    pub fn forgive(&mut self) {
        if let Some(aside) = &mut self.set_aside {
            aside.until = Instant::now();
        }
        self.cools_until = None;
    }

    pub fn cooldown(&self, now: Instant) -> Duration {
        self.cools_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    pub fn set_aside(&self) -> Option<&ModelError> {
        self.set_aside.as_ref().map(|aside| &aside.reason)
    }

    /// When it can be tried again, and why not before.
    pub fn return_of(&self) -> Option<(Instant, &ModelError)> {
        self.set_aside.as_ref().map(|aside| (aside.until, &aside.reason))
    }
}
