//! Decides which attempts may start at a moment. It has neither a clock nor I/O.
//!
//! An attempt starts if all of these allow it: the lease, the cooldown, and for both the account and the model a slot
//! and the rates. Attempts of one model start in the order in which they ask. Among the models, the attempt that asked
//! first is next, and a model whose own limits are used up holds up no other. Interactive attempts have queues of their
//! own, which go before those of runs up to a share: see [`turns`].

mod allowance;
mod bucket;
mod class;
mod dispatch;
mod meter;
mod model;
mod shortage;
#[cfg(test)]
mod tests;
mod turns;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

pub use self::{allowance::Allowance, class::Class, meter::ScopeUse, shortage::Shortage};
use self::{meter::Meter, model::Model, turns::Turns};

/// Gate of one provider. Attempts that wait are represented by a `W`.
#[derive(Debug)]
pub(crate) struct Gatekeeper<W> {
    account: Meter,
    /// Models with limits of their own, with attempts in flight, or with attempts that wait.
    models: HashMap<Arc<str>, Model<W>>,
    /// End of the lease; `None` if none is needed.
    lease: Option<Instant>,
    cooldown: Option<Instant>,
    /// Logical clock: counts the attempts that had to wait.
    tickets: u64,
    turns: Turns,
}

/// Needs of an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Estimated number of tokens.
    pub tokens: u64,
    /// Longest time for which the attempt can be open.
    pub open_for: Duration,
    pub class: Class,
}

/// Place of an attempt that waits.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub model: Arc<str>,
    class: Class,
    ticket: u64,
}

impl<W> Gatekeeper<W> {
    pub fn new() -> Self {
        Self {
            account: Meter::unlimited(),
            models: HashMap::new(),
            lease: None,
            cooldown: None,
            tickets: 0,
            turns: Turns::default(),
        }
    }

    /// Sets what may be used. A model that is not named has no limits of its own.
    pub fn set_allowances(
        &mut self,
        account: &Allowance,
        models: &BTreeMap<String, Allowance>,
        now: Instant,
    ) {
        self.account.set(account, now);
        self.models.retain(|name, model| {
            if model.limited && !models.contains_key(&**name) {
                model.limited = false;
                model.meter.set(&Allowance::UNLIMITED, now);
            }
            model.is_needed()
        });
        for (name, allowance) in models {
            let model = self.model(name);
            self.models.get_mut(&model).into_iter().for_each(|model| {
                model.limited = true;
                model.meter.set(allowance, now);
            });
        }
    }

    /// Sets the end of the lease. A lease that had ended begins with empty buckets, because others may have used the
    /// share meanwhile.
    pub fn set_lease(&mut self, until: Option<Instant>, now: Instant) {
        if !self.is_alive(now) {
            let models = self.models.values_mut().map(|model| &mut model.meter);
            models.chain([&mut self.account]).for_each(|meter| meter.empty_buckets(now));
        }
        self.lease = until;
    }

    pub const fn is_leased(&self) -> bool {
        self.lease.is_some()
    }

    /// Starts no attempt before `until`, or before the end of an earlier cooldown.
    pub fn cool_down(&mut self, until: Instant) {
        self.cooldown = self.cooldown.max(Some(until));
    }

    /// Returns the end of the cooldown, if it is not over.
    pub fn cooldown(&self, now: Instant) -> Option<Instant> {
        self.cooldown.filter(|until| *until > now)
    }

    /// Returns true if there is a lease, or none is needed.
    pub fn is_alive(&self, now: Instant) -> bool {
        self.lease.is_none_or(|until| now < until)
    }

    /// Starts an attempt, if it may start now and no other waits. Returns its model.
    pub fn start(&mut self, model: &str, need: &Need, now: Instant) -> Option<Arc<str>> {
        if self.waiting() > 0 {
            return None;
        }
        let name = self.model(model);
        if self.check(&name, need, now).is_err() {
            return None;
        }
        self.begin(&name, need, now);
        Some(name)
    }

    /// Puts an attempt into the queue of its model.
    pub fn enqueue(&mut self, model: &str, need: Need, by: W) -> Place {
        let name = self.model(model);
        self.tickets += 1;
        self.turns.came(need.class);
        if let Some(model) = self.models.get_mut(&name) {
            model.enqueue(self.tickets, need, by);
        }
        Place { model: name, class: need.class, ticket: self.tickets }
    }

    /// Takes an attempt out of the queue, if it is still there.
    pub fn leave(&mut self, place: &Place) -> Option<W> {
        let model = self.models.get_mut(&place.model)?;
        let by = model.leave(place.class, place.ticket)?;
        self.turns.left(place.class);
        self.tidy(&place.model);
        Some(by)
    }

    /// Takes all attempts out of the queues.
    pub fn clear(&mut self) -> Vec<W> {
        self.turns.all_left();
        let waiters = self.models.values_mut().flat_map(Model::clear).collect();
        self.models.retain(|_, model| model.is_needed());
        waiters
    }

    /// Ends an attempt of this class, which had reserved and has used so many tokens.
    pub fn end(&mut self, model: &Arc<str>, class: Class, reserved: u64, used: u64, now: Instant) {
        self.turns.ended(class);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let excess = used as f64 - reserved as f64;
        self.account.end(excess, now);
        if let Some(model) = self.models.get_mut(model) {
            model.meter.end(excess, now);
        }
        self.tidy(model);
    }

    /// Returns the use of the account's or of a model's limits, and starts to collect it anew.
    pub fn read(&mut self, model: Option<&str>) -> ScopeUse {
        match model {
            None => self.account.read(self.waiting()),
            Some(name) => self.models.get_mut(name).map(Model::read).unwrap_or_default(),
        }
    }

    /// Returns the use so far of the account's or of a model's limits.
    pub fn peek(&self, model: Option<&str>) -> ScopeUse {
        match model {
            None => self.account.peek(self.waiting()),
            Some(name) => self.models.get(name).map(Model::peek).unwrap_or_default(),
        }
    }

    /// Returns the number of attempts that may be in hand, in flight or waiting: the account's, or the sum of those of
    /// the models in use, if it is smaller.
    pub fn startable(&self, now: Instant) -> u32 {
        if !self.is_alive(now) {
            return 0;
        }
        let in_use = self.models.values().filter(|model| model.is_in_use());
        // A model that may start none keeps one place, so that a job of another model is found.
        let of_models = in_use.map(|model| model.meter.startable().max(1)).reduce(u32::saturating_add);
        self.account.startable().min(of_models.unwrap_or(u32::MAX))
    }

    /// Lowers the level of the account's tokens.
    pub fn lower_tokens_to(&mut self, level: f64, now: Instant) {
        self.account.lower_tokens_to(level, now);
    }

    pub const fn concurrency(&self) -> u32 {
        self.account.concurrency()
    }

    pub const fn in_flight(&self) -> u32 {
        self.account.in_flight()
    }

    pub const fn waiting(&self) -> u32 {
        self.turns.waiting()
    }

    /// Returns true if an attempt of this need would wait for the end of another one.
    pub fn is_saturated(&self, model: &str) -> bool {
        let of_model = self.models.get(model).map(|model| &model.meter);
        of_model.into_iter().chain([&self.account]).any(|meter| meter.in_flight() >= meter.concurrency())
    }

    fn begin(&mut self, name: &Arc<str>, need: &Need, now: Instant) {
        self.turns.started(need.class);
        self.account.start(need, now);
        if let Some(model) = self.models.get_mut(name) {
            model.meter.start(need, now);
        }
    }

    /// Returns the name of a model that is known from now on.
    fn model(&mut self, name: &str) -> Arc<str> {
        if let Some((name, _)) = self.models.get_key_value(name) {
            return name.clone();
        }
        let name: Arc<str> = name.into();
        self.models.insert(name.clone(), Model::unlimited());
        name
    }

    /// Forgets a model that has neither limits nor attempts.
    fn tidy(&mut self, name: &Arc<str>) {
        if self.models.get(name).is_some_and(|model| !model.is_needed()) {
            self.models.remove(name);
        }
    }
}
