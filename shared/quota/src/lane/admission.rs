use std::{sync::Arc, time::Duration};

use runmill_proto::Usage;
use tokio::time::Instant;

use super::shared::Shared;
use crate::{Class, adaptive::REFUSED_SLOT_REST, gate::Need};

/// Permission to have one attempt in flight. If it is dropped without [`settle`](Self::settle), its reserved tokens
/// are released.
#[derive(Debug)]
#[must_use = "an admission ends when it is dropped"]
pub struct Admission {
    shared: Arc<Shared>,
    model: Arc<str>,
    class: Class,
    reserved: u64,
    used: u64,
    started: Instant,
}

/// Outcome of an attempt, as far as the limits depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    /// The provider refused it because of a rate limit.
    Refused,
    /// The server failed.
    Failed,
    /// The first token did not come in time.
    Late,
}

impl Admission {
    pub(super) const fn new(shared: Arc<Shared>, model: Arc<str>, need: &Need, started: Instant) -> Self {
        Self { shared, model, class: need.class, reserved: need.tokens, used: 0, started }
    }

    /// Ends the attempt. `usage` has the tokens that the provider counted. If it is unknown, the estimate counts as
    /// used.
    pub fn settle(mut self, usage: Option<&Usage>) {
        self.used = usage.map_or(self.reserved, Usage::total_tokens);
    }

    /// Counts the outcome of the attempt.
    pub fn note(&self, outcome: Outcome) {
        self.shared.update(|state, _| state.note(outcome, self.started));
        if outcome == Outcome::Refused {
            self.shared.pressed.notify_one();
        }
    }

    /// Pauses the lane, because the provider refused the attempt and no other key is free.
    ///
    /// * `after`: delay that the provider asks for. Otherwise single refusals among answers pause nobody; after more of them
    ///   the pause is a quarter of a second, and doubles while the provider refuses.
    /// * `fraction`: position in the range of the jitter, `0.0..=1.0`.
    pub fn cool_down(&self, after: Option<Duration>, reason: &str, fraction: f64) {
        self.shared.update(|state, now| {
            let Some(until) = state.cooling.refused(self.started, after, fraction, now) else { return };
            // Where the fleet looks for the limit itself, a refusal is how it finds it: only this attempt waits.
            if !state.adapts {
                state.gate.cool_down(until);
            }
            state.cooling.tell(until, reason, now);
        });
    }

    /// Ends an attempt that the provider refused. Where the fleet looks for the limit itself, the slot rests for a while,
    /// because the next attempt would be refused, too. Must be called within a runtime.
    pub fn rest(self) {
        if self.shared.read(|state, _| state.adapts) {
            tokio::spawn(async move {
                tokio::time::sleep(REFUSED_SLOT_REST).await;
                drop(self);
            });
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.shared.update(|state, now| state.end(&self.model, self.class, self.reserved, self.used, now));
    }
}
