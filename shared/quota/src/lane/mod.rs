mod admission;
mod cooling;
mod shared;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use runmill_proto::lease::Signals;
use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use self::shared::{Place, Shared};
pub use self::{
    admission::{Admission, Outcome},
    cooling::Refusal,
};
use crate::{Allowance, Class, ScopeUse, Shortage, gate::Need};

/// Limits of one provider in this process. Every attempt of a call needs an admission before it starts.
///
/// The gatekeeper decides what may start. Attempts that wait are woken by what frees a slot, by a changed
/// limit, or at the time at which a rate lets the next one start.
#[derive(Debug)]
pub struct Lane(Arc<Shared>);

/// An attempt that asks for its admission.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Name of the model at the provider.
    pub model: &'a str,
    /// Estimated number of tokens of the prompt and of the answer.
    pub estimated_tokens: u64,
    /// Longest time for which the attempt can be open at the provider.
    pub open_for: Duration,
    pub class: Class,
}

/// Error for an attempt whose provider, and with it the lane, was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider was removed")]
pub struct Closed;

/// Numbers of tokens at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCount {
    /// Sum of the estimates of all attempts in flight.
    pub reserved: u64,
    /// Number of tokens used by all attempts that ended since the process started.
    pub used: u64,
}

/// Part of a limit that is left by the word of the provider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remaining {
    pub limit: f64,
    pub left: f64,
    /// Time until all of the limit is left.
    pub full_in: Duration,
}

impl Lane {
    /// Returns a lane that admits `concurrency` attempts at the same time and needs no lease.
    pub fn new(concurrency: u32) -> Self {
        Self::with(Some(concurrency), Arc::default())
    }

    /// Returns a lane that notifies `pressed`. Without a concurrency it admits nothing.
    pub(crate) fn with(concurrency: Option<u32>, pressed: Arc<Notify>) -> Self {
        let lane = Self(Arc::new(Shared::new(pressed)));
        let concurrency = concurrency.unwrap_or(0);
        lane.set_allowances(&Allowance { concurrency, ..Allowance::UNLIMITED }, &BTreeMap::new());
        lane
    }

    /// Waits until the attempt may start.
    ///
    /// Cancel safe: a dropped wait reserves nothing and loses its place in the queue.
    pub async fn admit(&self, ask: &Ask<'_>) -> Result<Admission, Closed> {
        let need = Need { tokens: ask.estimated_tokens, open_for: ask.open_for, class: ask.class };
        if let Some(admission) = self.0.start(ask.model, &need)? {
            return Ok(admission);
        }
        loop {
            let admission = self.wait(ask.model, need).await?;
            // The process may have been frozen since the attempt was admitted.
            if self.0.is_open() {
                return Ok(admission);
            }
        }
    }

    async fn wait(&self, model: &str, need: Need) -> Result<Admission, Closed> {
        let (sender, receiver) = oneshot::channel();
        // It is dropped before the receiver, so that nothing is sent to a receiver that is gone.
        let _place = Place::take(&self.0, model, need, sender);
        tokio::select! {
            biased;
            admitted = receiver => admitted.map_err(|_| Closed),
            never = self.0.keep_time() => match never {},
        }
    }

    /// Sets what this process may use, at once for attempts that have not started. Those in flight are never
    /// interrupted. A model that is not named has no limits of its own.
    pub fn set_allowances(&self, account: &Allowance, models: &BTreeMap<String, Allowance>) {
        self.0.update(|state, now| state.gate.set_allowances(account, models, now));
        self.refresh();
    }

    /// Sets the end of the lease, after which no attempt starts; `None` if no lease is needed.
    pub fn set_lease(&self, until: Option<Instant>) {
        self.0.update(|state, now| state.gate.set_lease(until, now));
        self.refresh();
    }

    /// States if the fleet looks for the provider's limit itself. A refusal then does not pause the lane.
    pub fn set_adaptive(&self, adapts: bool) {
        self.0.read(|state, _| state.adapts = adapts);
    }

    /// Starts no attempt before `until`, or before the end of an earlier cooldown.
    pub fn cool_down(&self, until: Instant) {
        self.0.update(|state, _| state.gate.cool_down(until));
    }

    /// Considers what is left of the calls and tokens by the word of the provider: lowers the level of the tokens, and
    /// pauses for the time that it takes until there is enough for one call of `tokens` tokens.
    pub fn heed(&self, calls: Option<Remaining>, tokens: Option<(Remaining, u64)>) {
        self.0.update(|state, now| state.heed(calls, tokens, now));
    }

    /// Updates [`startable`](Self::startable), which depends on the attempts in flight if there are rates.
    pub fn refresh(&self) {
        let new = self.0.read(|state, now| state.gate.startable(now));
        self.0.startable.send_if_modified(|startable| std::mem::replace(startable, new) != new);
    }

    /// Returns the number of attempts that this process may have in hand, for consumers, which take no more jobs than
    /// that from a queue. It changes by new limits and by [`refresh`](Self::refresh).
    pub fn startable(&self) -> watch::Receiver<u32> {
        self.0.startable.subscribe()
    }

    /// Returns a notice of attempts that wait for a larger allowance, at most four times a second, and of refusals.
    pub fn pressed(&self) -> &Notify {
        &self.0.pressed
    }

    /// Returns the use of the account's limits, or of those of a model, and starts to collect it anew.
    pub fn usage(&self, model: Option<&str>) -> ScopeUse {
        self.0.read(|state, _| state.gate.read(model))
    }

    /// Returns the same without an effect on what is collected.
    pub fn peek(&self, model: Option<&str>) -> ScopeUse {
        self.0.read(|state, _| state.gate.peek(model))
    }

    /// Returns what the first of the waiting attempts waits for.
    pub fn waits_for(&self) -> Option<Shortage> {
        self.0.read(|state, now| state.gate.shortage(now))
    }

    /// Returns the end of the cooldown, if there is one.
    pub fn cooldown(&self) -> Option<Instant> {
        self.0.read(|state, now| state.gate.cooldown(now))
    }

    /// Returns the counts of attempts since the lane was opened.
    pub fn signals(&self) -> Signals {
        self.0.read(|state, _| state.signals)
    }

    /// Returns the newest refusal that no other executor was told yet.
    pub fn take_refusal(&self) -> Option<Refusal> {
        self.0.read(|state, _| state.cooling.take())
    }

    pub fn concurrency(&self) -> u32 {
        self.0.read(|state, _| state.gate.concurrency())
    }

    /// Returns the number of attempts in flight. After the concurrency shrank it is above the concurrency for a
    /// while.
    pub fn in_flight(&self) -> u32 {
        self.0.read(|state, _| state.gate.in_flight())
    }

    /// Returns the number of attempts that wait to be admitted.
    pub fn waiting(&self) -> u32 {
        self.0.read(|state, _| state.gate.waiting())
    }

    /// Returns the tokens that are reserved by attempts in flight, and those that settled attempts have used.
    pub fn tokens(&self) -> TokenCount {
        self.0.read(|state, _| state.tokens)
    }

    /// Ends every wait with [`Closed`], now and later. Attempts in flight go on.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}
