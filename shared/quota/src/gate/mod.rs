//! Decides which attempts may start at a moment. It has neither a clock nor I/O.
//!
//! An attempt starts if all of these allow it: the lease, the cooldown, and for both the account and the model a slot
//! and the rates. Attempts of one model start in the order in which they ask. Among the models, the attempt that asked
//! first is next, and a model whose own limits are used up holds up no other.

mod allowance;
mod bucket;
mod meter;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use runmill_proto::lease::Resource;
use tokio::time::Instant;

use self::meter::Meter;
pub use self::{
    allowance::{Allowance, Pace},
    meter::ScopeUse,
};

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
    waiting: u32,
}

#[derive(Debug)]
struct Model<W> {
    limited: bool,
    meter: Meter,
    /// Attempts that wait, by their tickets.
    queue: BTreeMap<u64, (Need, W)>,
}

/// Needs of an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Estimated number of tokens.
    pub tokens: u64,
    /// Longest time for which the attempt can be open.
    pub open_for: Duration,
}

/// Place of an attempt that waits.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub model: Arc<str>,
    ticket: u64,
}

/// Effect of a change on the attempts that wait.
#[derive(Debug)]
pub(crate) struct Dispatched<W> {
    /// Attempts that have been started.
    pub started: Vec<(W, Arc<str>, Need)>,
    /// Time at which the next may start; `None` if that depends on something else than the time.
    pub next: Option<Instant>,
    /// True if a larger allowance or a renewed lease would let an attempt start.
    pub short: bool,
}

/// Limit that an attempt waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Shortage {
    /// The lease has ended.
    Lease,
    /// The provider has asked for a pause until this time.
    Cooldown(Instant),
    /// This process's share of a limit is in use.
    Limit {
        /// The model whose limit it is; `None` for the account's.
        model: Option<Arc<str>>,
        resource: Resource,
        /// The share, in the resource's own unit.
        share: f64,
    },
}

/// Reason why an attempt cannot start, and the time of its end, if it is known.
struct Blocked {
    /// True if it concerns every model.
    whole_lane: bool,
    until: Option<Instant>,
}

impl<W> Gatekeeper<W> {
    pub fn new() -> Self {
        Self {
            account: Meter::unlimited(),
            models: HashMap::new(),
            lease: None,
            cooldown: None,
            tickets: 0,
            waiting: 0,
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

    pub const fn set_lease(&mut self, until: Option<Instant>) {
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
        if self.waiting > 0 {
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
        self.waiting += 1;
        if let Some(model) = self.models.get_mut(&name) {
            model.queue.insert(self.tickets, (need, by));
        }
        Place { model: name, ticket: self.tickets }
    }

    /// Takes an attempt out of the queue, if it is still there.
    pub fn leave(&mut self, place: &Place) -> Option<W> {
        let model = self.models.get_mut(&place.model)?;
        let (_, by) = model.queue.remove(&place.ticket)?;
        self.waiting -= 1;
        self.tidy(&place.model);
        Some(by)
    }

    /// Takes all attempts out of the queues.
    pub fn clear(&mut self) -> Vec<W> {
        self.waiting = 0;
        let queues = self.models.values_mut().map(|model| std::mem::take(&mut model.queue));
        let waiters = queues.flat_map(BTreeMap::into_values).map(|(_, by)| by).collect();
        self.models.retain(|_, model| model.is_needed());
        waiters
    }

    /// Ends an attempt, which had reserved and has used so many tokens.
    pub fn end(&mut self, model: &Arc<str>, reserved: u64, used: u64, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let excess = used as f64 - reserved as f64;
        self.account.end(excess, now);
        if let Some(model) = self.models.get_mut(model) {
            model.meter.end(excess, now);
        }
        self.tidy(model);
    }

    /// Starts the attempts that wait and may start now.
    pub fn dispatch(&mut self, now: Instant) -> Dispatched<W> {
        let mut dispatched = Dispatched { started: Vec::new(), next: None, short: false };
        if self.waiting == 0 {
            return dispatched;
        }
        let heads = self.models.iter().filter_map(|(name, model)| Some((model.head()?, name.clone())));
        let mut heads: BTreeMap<_, _> = heads.collect();
        while let Some((ticket, name)) = heads.pop_first() {
            let need = self.models[&name].queue[&ticket].0;
            if let Err(blocked) = self.check(&name, &need, now) {
                self.note_shortages(&name, &need, now);
                dispatched.short |= self.cooldown(now).is_none();
                dispatched.next = earliest(dispatched.next, blocked.until);
                if blocked.whole_lane {
                    break;
                }
                continue;
            }
            self.begin(&name, &need, now);
            let place = Place { model: name.clone(), ticket };
            dispatched.started.extend(self.leave(&place).map(|by| (by, name.clone(), need)));
            heads.extend(self.models[&name].head().map(|next| (next, name)));
        }
        dispatched
    }

    /// Returns the limit that the first waiting attempt waits for longest.
    pub fn shortage(&self, now: Instant) -> Option<Shortage> {
        let heads = self.models.iter().filter_map(|(name, model)| {
            model.queue.first_key_value().map(|(ticket, (need, _))| (ticket, need, name, &model.meter))
        });
        let (_, need, name, meter) = heads.min_by_key(|(ticket, ..)| **ticket)?;
        if !self.is_alive(now) {
            return Some(Shortage::Lease);
        }
        let limit = |model: Option<&Arc<str>>, meter: &Meter, (resource, at): (Resource, Option<Instant>)| {
            (at, Shortage::Limit { model: model.cloned(), resource, share: meter.limit(resource) })
        };
        let of_account = self.account.shortages(need, now).map(|short| limit(None, &self.account, short));
        let of_model = meter.shortages(need, now).map(|short| limit(Some(name), meter, short));
        let cooldown = self.cooldown(now).map(|until| (Some(until), Shortage::Cooldown(until)));
        // A wait without a known end counts as the longest.
        let longest = cooldown.into_iter().chain(of_account).chain(of_model);
        longest.max_by_key(|(at, _)| (at.is_none(), *at)).map(|(_, shortage)| shortage)
    }

    /// Returns the use of the account's or of a model's limits, and starts to collect it anew.
    pub fn read(&mut self, model: Option<&str>) -> ScopeUse {
        match model {
            None => self.account.read(self.waiting),
            Some(name) => self.models.get_mut(name).map(Model::read).unwrap_or_default(),
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
        self.waiting
    }

    /// Returns true if an attempt of this need would wait for the end of another one.
    pub fn is_saturated(&self, model: &str) -> bool {
        let of_model = self.models.get(model).map(|model| &model.meter);
        of_model.into_iter().chain([&self.account]).any(|meter| meter.in_flight() >= meter.concurrency())
    }

    fn check(&self, name: &Arc<str>, need: &Need, now: Instant) -> Result<(), Blocked> {
        if !self.is_alive(now) {
            return Err(Blocked { whole_lane: true, until: None });
        }
        let until = |meter: &Meter| {
            let shortages = meter.shortages(need, now).map(|(_, at)| at);
            shortages.reduce(|one, other| Some(one?.max(other?)))
        };
        let of_model = until(&self.models[name].meter);
        let of_lane = match (until(&self.account), self.cooldown(now)) {
            (Some(at), cooldown) => Some(at.map(|at| cooldown.map_or(at, |until| until.max(at)))),
            (None, cooldown) => cooldown.map(Some),
        };
        match (of_model, of_lane) {
            (None, None) => Ok(()),
            (None, Some(until)) => Err(Blocked { whole_lane: true, until }),
            (Some(until), None) => Err(Blocked { whole_lane: false, until }),
            (Some(own), Some(lane)) => {
                Err(Blocked { whole_lane: false, until: own.zip(lane).map(|(own, lane)| own.max(lane)) })
            }
        }
    }

    fn begin(&mut self, name: &Arc<str>, need: &Need, now: Instant) {
        self.account.start(need, now);
        if let Some(model) = self.models.get_mut(name) {
            model.meter.start(need, now);
        }
    }

    fn note_shortages(&mut self, name: &Arc<str>, need: &Need, now: Instant) {
        self.account.note_shortages(need, now);
        if let Some(model) = self.models.get_mut(name) {
            model.meter.note_shortages(need, now);
        }
    }

    /// Returns the name of a model that is known from now on.
    fn model(&mut self, name: &str) -> Arc<str> {
        if let Some((name, _)) = self.models.get_key_value(name) {
            return name.clone();
        }
        let name: Arc<str> = name.into();
        let model = Model { limited: false, meter: Meter::unlimited(), queue: BTreeMap::new() };
        self.models.insert(name.clone(), model);
        name
    }

    /// Forgets a model that has neither limits nor attempts.
    fn tidy(&mut self, name: &Arc<str>) {
        if self.models.get(name).is_some_and(|model| !model.is_needed()) {
            self.models.remove(name);
        }
    }
}

impl<W> Model<W> {
    fn head(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(ticket, _)| *ticket)
    }

    fn is_in_use(&self) -> bool {
        self.meter.in_flight() > 0 || !self.queue.is_empty()
    }

    fn is_needed(&self) -> bool {
        self.limited || self.is_in_use()
    }

    fn read(&mut self) -> ScopeUse {
        self.meter.read(u32::try_from(self.queue.len()).unwrap_or(u32::MAX))
    }
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
