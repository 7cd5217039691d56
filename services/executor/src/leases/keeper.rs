use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    api::RateLimit,
    lease::{LaneState, Leases, Scope, WithoutStore},
    message::Control,
};
use runmill_quota::{Lanes, Refusal, lease::Limits};
use runmill_runtime::Clock;
use runmill_store::{Claim, Exchanged, Holder};
use tokio::{sync::Notify, time::Instant};

use super::{limits, view::View};
use crate::exchange::Times;

/// Time for which a share is valid. It outlasts a restart of the database, and a dead executor's share is free soon.
pub(super) const LEASE: Duration = Duration::from_secs(12);

/// Shares of this executor, and the lanes that admit by them.
pub struct Keeper {
    pub(super) name: String,
    pub(super) lanes: Arc<Lanes>,
    pub(super) clock: Clock,
    /// Maximum number of calls of this executor in flight at a provider that states no concurrency.
    pub(super) ceiling: u32,
    without_store: WithoutStore,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub providers: BTreeMap<ProviderId, RateLimit>,
    /// Shares that the lanes allow: those that were accepted last, or less.
    pub held: Leases,
    pub view: Option<Arc<View>>,
    /// End of the lease on this process's clock.
    pub lease_until: Option<Instant>,
    /// Number of claims in a row that another executor's decision overtook.
    pub conflicts: u32,
    /// Refusals that the fleet's state does not have yet.
    pub refusals: BTreeMap<ProviderId, Refusal>,
    /// Messages about refusals that were not sent yet.
    pub announcements: Vec<Control>,
    /// True if the lease has ended, and this executor goes on without the store.
    pub alone: bool,
    /// Attempts started until the last claim, by lane, and its time.
    pub started: BTreeMap<ProviderId, (u64, Instant)>,
    /// Longest time for which a call of each lane can be open, by the calls so far.
    pub open_for: BTreeMap<ProviderId, Duration>,
    /// Number of the last claim.
    pub number: u64,
    presence: Option<String>,
}

/// Calls that this executor is ready for.
#[derive(Clone, Copy)]
pub(super) struct Readiness<'a> {
    pub draining: bool,
    /// Providers whose jobs it cannot take at present.
    pub unable: &'a BTreeSet<ProviderId>,
}

/// An executor whose lease has ended while calls of it may be open.
pub struct Suspect {
    pub name: String,
    pub presence: String,
    pub valid_until: Timestamp,
}

impl Keeper {
    pub fn new(
        name: String,
        lanes: Arc<Lanes>,
        clock: Clock,
        ceiling: u32,
        without_store: WithoutStore,
    ) -> Self {
        Self { name, lanes, clock, ceiling, without_store, state: Mutex::default(), changed: Notify::new() }
    }

    /// Sets the limits of all providers.
    pub fn set_providers(&self, providers: impl IntoIterator<Item = (ProviderId, RateLimit)>) {
        let providers = providers.into_iter().collect();
        let mut state = self.lock();
        if state.providers != providers {
            state.held.retain(|scope, _| providers.contains_key(&scope.provider_id));
            state.providers = providers;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Sets the limits of one provider, which may be new.
    pub fn set_provider(&self, id: ProviderId, limits: &RateLimit) {
        let mut state = self.lock();
        let before = state.providers.insert(id, limits.clone());
        if before.is_none_or(|before| before != *limits) {
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Sets the name by which the broker knows this process.
    pub fn present_as(&self, presence: String) {
        self.lock().presence = Some(presence);
    }

    /// Returns the claim for the next heartbeat. The lanes already admit no more than it says, so that it is true at the
    /// moment at which the store takes it.
    ///
    /// * `unable`: providers whose jobs this executor cannot take at present.
    pub fn claim(&self, draining: bool, unable: &BTreeSet<ProviderId>) -> Claim {
        let mut state = self.lock();
        let presence = state.presence.clone();
        let Some(view) = state.view.clone() else {
            return Claim { presence, ..Claim::default() };
        };
        state.number += 1;
        let number = state.number;
        let readiness = Readiness { draining, unable };
        Claim { presence, number, ..self.plan(&mut state, &view, readiness, Instant::now()) }
    }

    /// Applies the answer of the store to a heartbeat with this claim.
    pub fn hear(&self, claim: &Claim, exchanged: &Exchanged, times: Times) {
        let mut state = self.lock();
        // An answer that took long, perhaps because this process was frozen, is no ground for a share.
        let in_time = times.ended.duration_since(times.began) < Claim::COMMIT_TIME;
        match (exchanged.accepted, &claim.decision) {
            (true, _) if in_time => {
                state.held.clone_from(&claim.leases);
                // The store's lease began after this exchange did, so it ends after this one.
                state.lease_until = Some(times.began + LEASE);
                state.conflicts = 0;
                if claim.decision.is_some() {
                    state.refusals.clear();
                }
            }
            (false, Some(_)) => state.conflicts += 1,
            (true | false, _) => state.lease_until = None,
        }
        state.alone = false;
        let view = View(exchanged.fleet.clone());
        self.cool_down(&view, times.ended);
        state.view = Some(Arc::new(view));
        self.apply(&state);
    }

    /// Notes that an exchange failed.
    pub fn missed(&self) {
        let mut state = self.lock();
        let executors = state.view.as_ref().map_or(1, |view| view.executors());
        let goes_on = self.without_store == WithoutStore::Share && state.has_ended(Instant::now());
        if !goes_on || state.alone {
            return self.lanes.refresh();
        }
        state.alone = true;
        let limits = state.limits();
        let shares = limits::equal_shares(&limits, executors);
        for id in state.providers.keys() {
            self.set_lane(*id, &limits, &shares, None);
        }
    }

    /// Returns when an exchange would change what this executor may do. Cancel safe.
    pub async fn urgent(&self) {
        while !self.is_urgent() {
            tokio::select! {
                () = self.changed.notified() => return,
                () = self.lanes.pressed().notified() => {}
            }
        }
    }

    /// Pauses a lane, because another executor was refused.
    pub fn hear_cooldown(&self, id: ProviderId, until: Timestamp) {
        let pause = Duration::try_from(until.duration_since(self.clock.now())).unwrap_or_default();
        if self.lock().providers.contains_key(&id) {
            self.lanes.lane(id).cool_down(Instant::now() + pause);
        }
    }

    /// Returns a message for each new refusal that the other executors should know of at once.
    pub fn announcements(&self) -> Vec<Control> {
        std::mem::take(&mut self.lock().announcements)
    }

    /// Returns the executors whose lease has ended while calls of them may be open: they are dead, frozen or cut off.
    pub fn suspects(&self) -> Vec<Suspect> {
        let view = self.lock().view.clone();
        let Some(view) = view else { return Vec::new() };
        let suspect = |holder: &Holder| {
            let presence = holder.presence.clone()?;
            Some(Suspect { name: holder.name.clone(), presence, valid_until: holder.valid_until })
        };
        view.holders().iter().filter(|holder| view.at() >= holder.valid_until).filter_map(suspect).collect()
    }

    /// Pauses the lanes that the fleet pauses.
    fn cool_down(&self, view: &View, now: Instant) {
        for (scope, lane) in view.lanes() {
            let Some(cooldown) = &lane.cooldown else { continue };
            if let Ok(pause) = Duration::try_from(cooldown.until.duration_since(view.at())) {
                self.lanes.lane(scope.provider_id).cool_down(now + pause);
            }
        }
    }

    /// Lets the lanes admit what is held.
    pub(super) fn apply(&self, state: &State) {
        let limits = state.limits();
        let until = state.lease_until.unwrap_or_else(Instant::now);
        for (id, stated) in &state.providers {
            self.lanes.lane(*id).set_adaptive(stated.concurrency.is_none());
            self.set_lane(*id, &limits, &state.held, Some(until));
        }
    }

    fn set_lane(&self, id: ProviderId, limits: &Limits, leases: &Leases, until: Option<Instant>) {
        let (account, models) = limits::allowances(limits, leases, id);
        let lane = self.lanes.lane(id);
        lane.set_allowances(&account, &models);
        lane.set_lease(until);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns true if nothing may start any more.
    pub fn has_ended(&self, now: Instant) -> bool {
        self.lease_until.is_none_or(|until| now >= until)
    }

    /// Returns true if the lease is over before a claim that is sent now would surely be accepted.
    pub fn ends_soon(&self, now: Instant) -> bool {
        self.has_ended(now + Claim::COMMIT_TIME)
    }

    /// Returns the limits of all lanes, as the fleet knows them.
    pub fn limits(&self) -> Limits {
        match &self.view {
            Some(view) => self.limits_with(view.lanes()),
            None => self.limits_with(&BTreeMap::new()),
        }
    }

    pub fn limits_with(&self, lanes: &BTreeMap<Scope, LaneState>) -> Limits {
        let mut all = Limits::new();
        for (id, rate_limit) in &self.providers {
            limits::add(&mut all, *id, rate_limit, lanes);
        }
        all
    }
}
