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
    /// When someone said that it is mended.
    forgiven_at: Option<Instant>,
}

#[derive(Debug)]
struct SetAside {
    since: Instant,
    /// Then one call may try it.
    until: Instant,
    reason: ModelError,
    /// Of the call that tries it: how long the others wait for what comes of it.
    trial_until: Option<Instant>,
}

/// How long a call that tries a key keeps the others from it.
const TRIAL: Duration = Duration::from_secs(30);

impl KeyState {
    pub fn is_usable(&self, now: Instant) -> bool {
        self.set_aside.as_ref().is_none_or(|aside| aside.until <= now && !aside.is_tried(now))
    }

    /// Whether a call tries it right now.
    pub fn is_tried(&self, now: Instant) -> bool {
        self.set_aside.as_ref().is_some_and(|aside| aside.is_tried(now))
    }

    pub fn take(&mut self, now: Instant) {
        self.in_flight += 1;
        self.uses += 1;
        if let Some(aside) = &mut self.set_aside {
            aside.trial_until = Some(now + TRIAL);
        }
    }

    /// A call that began at `taken` is over, whatever it showed.
    pub fn release(&mut self, taken: Instant) {
        self.in_flight -= 1;
        if let Some(aside) = self.set_aside.as_mut().filter(|aside| aside.since <= taken) {
            aside.trial_until = None;
        }
    }

    /// Sets it aside for what a call has shown that began at `taken`; not if someone said since that it is mended.
    pub fn set_aside_for(&mut self, reason: &ModelError, taken: Instant, until: Instant) {
        if self.forgiven_at.is_none_or(|forgiven| forgiven <= taken) {
            let (since, reason) = (Instant::now(), reason.clone());
            self.set_aside = Some(SetAside { since, until, reason, trial_until: None });
        }
    }

    pub fn cool(&mut self, until: Instant) {
        self.cools_until = self.cools_until.max(Some(until));
    }

    /// The provider took it in a call that began at `taken`. What it took before it refused says nothing.
    pub fn prove(&mut self, taken: Instant) {
        self.set_aside.take_if(|aside| aside.since <= taken);
    }

    pub fn forgive(&mut self, now: Instant) {
        self.forgiven_at = Some(now);
        if let Some(aside) = &mut self.set_aside {
            aside.until = now;
        }
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

impl SetAside {
    fn is_tried(&self, now: Instant) -> bool {
        self.trial_until.is_some_and(|until| now < until)
    }
}
