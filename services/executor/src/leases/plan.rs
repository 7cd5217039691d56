//! Computes a claim.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use runmill_proto::{
    ProviderId,
    lease::{Holding, LaneState, Leases, Resource, Scope, Share},
    message::Control,
};
use runmill_quota::{
    Refusal,
    adaptive::{self, Observed},
    lease::{Limit, Limits, plan},
};
use runmill_store::{Claim, Decision};
use tokio::time::Instant;

use super::{
    keeper::{Keeper, LEASE, Readiness, State},
    view::View,
    wants::{rest, wants},
};

/// Number of claims in a row that others overtook, after which the lease is renewed as it is.
const CONFLICTS_MAX: u32 = 3;

/// Longest time for which the first calls of a lane can be open: the default of `request.total_timeout_seconds`.
const OPEN_FOR_UNKNOWN: Duration = Duration::from_mins(10);

impl Keeper {
    /// Plans the next shares, lowers the lanes to them, and measures what is in use then.
    pub(super) fn plan(&self, state: &mut State, view: &View, ready: Readiness<'_>, now: Instant) -> Claim {
        let ended = state.ends_soon(now);
        let mut lanes = view.lanes().clone();
        // A lane that begins with this claim is wanted by it, too: otherwise its first job would wait for the next one.
        lanes.extend(self.begun(state, view));
        let limits = state.limits_with(&lanes);
        let own = self.demand(state, &limits, ready, ended, now);
        let mut changes = self.changes(state, view, &own, now);
        lanes.extend(changes.clone());
        let limits = state.limits_with(&lanes);
        let planned = plan(&limits, &self.name, &own, &view.others(), view.at());
        let (mut leases, mut decides) = (planned.leases, planned.grows || ended || !changes.is_empty());
        if decides && !ended && state.conflicts >= CONFLICTS_MAX {
            lower(&mut leases, &state.held);
            changes.clear();
            (decides, state.conflicts) = (false, 0);
        }
        if !state.alone {
            lower(&mut state.held, &leases);
            self.apply(state);
        }
        let open_for = self.measure(&mut leases, state);
        let decision = decides.then(|| Decision { version: view.version(), lanes: changes });
        Claim { leases, valid_for: LEASE, open_for, decision, ..Claim::default() }
    }

    /// Returns true if a claim now would change a share or a lane, or renew a lease that has ended.
    pub(super) fn is_urgent(&self) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let Some(view) = state.view.clone() else { return false };
        if state.ends_soon(now) || state.conflicts > 0 {
            return !state.providers.is_empty();
        }
        let mut own = state.held.clone();
        for (scope, share) in &mut own {
            let lane = self.lanes.lane(scope.provider_id);
            let usage = lane.peek(scope.model.as_deref());
            (share.signals, share.waiting) = (lane.signals(), usage.waiting);
            for (resource, holding) in &mut share.resources {
                if *resource == Resource::Concurrency {
                    holding.used = usage.in_flight;
                }
                if usage.short_of.contains(resource) {
                    holding.wants = u32::MAX;
                }
            }
        }
        if !self.changes(&mut state, &view, &own, now).is_empty() {
            return true;
        }
        self.cap_wants(&state, &mut own);
        let planned = plan(&state.limits(), &self.name, &own, &view.others(), view.at());
        planned.grows || shrinks(&own, &planned.leases)
    }

    /// Returns this executor's shares with what it wants. A lease that has ended grants nothing any more.
    fn demand(
        &self,
        state: &mut State,
        limits: &Limits,
        ready: Readiness<'_>,
        ended: bool,
        now: Instant,
    ) -> Leases {
        let mut own = Leases::new();
        let mut rates = BTreeMap::new();
        for (scope, limits) in limits {
            let id = scope.provider_id;
            let lane = self.lanes.lane(id);
            let rate =
                *rates.entry(id).or_insert_with(|| rate(&mut state.started, id, lane.signals().started, now));
            let usage = lane.usage(scope.model.as_deref());
            let is_ready = !ready.draining && !ready.unable.contains(&id);
            let held = state.held.get(scope);
            let holding = |(resource, limit): (&Resource, &Limit)| {
                let held = held.and_then(|share| share.resources.get(resource)).copied().unwrap_or_default();
                let holding = Holding {
                    granted: if ended { 0 } else { held.granted },
                    used: if *resource == Resource::Concurrency { usage.in_flight } else { 0 },
                    wants: if is_ready {
                        wants(*resource, limit, &usage, rate)
                    } else {
                        rest(limit, &usage, ready.draining)
                    },
                };
                (*resource, holding)
            };
            let resources = limits.iter().map(holding).collect();
            let share =
                Share { resources, waiting: usage.waiting, signals: lane.signals(), ..Share::default() };
            own.insert(scope.clone(), share);
        }
        self.cap_wants(state, &mut own);
        own
    }

    /// Bounds what this executor wants of lanes without a stated concurrency.
    fn cap_wants(&self, state: &State, own: &mut Leases) {
        for (scope, share) in own.iter_mut().filter(|(scope, _)| scope.model.is_none()) {
            let stated = state.providers.get(&scope.provider_id).and_then(|limit| limit.concurrency);
            if let (None, Some(holding)) = (stated, share.resources.get_mut(&Resource::Concurrency)) {
                holding.wants = holding.wants.min(self.ceiling);
            }
        }
    }

    /// Returns the lanes without a stated concurrency whose search for one has not begun, as it begins.
    fn begun(&self, state: &State, view: &View) -> BTreeMap<Scope, LaneState> {
        let ceiling = self.ceiling.saturating_mul(view.executors());
        let unstated = state.providers.iter().filter(|(_, limit)| limit.concurrency.is_none());
        let begins = unstated.filter_map(|(id, _)| {
            let scope = Scope::account(*id);
            let before = view.lanes().get(&scope).cloned().unwrap_or_default();
            let new = before.adaptive.is_none();
            let begun =
                new.then(|| adaptive::step(&before, &Observed::default(), self.clock.now(), ceiling))?;
            Some((scope, begun?))
        });
        begins.collect()
    }

    /// Returns the lanes whose state changes by what the fleet met.
    fn changes(
        &self,
        state: &mut State,
        view: &View,
        own: &Leases,
        now: Instant,
    ) -> BTreeMap<Scope, LaneState> {
        let mut changes = BTreeMap::new();
        state.refusals.retain(|_, refusal| refusal.until > now);
        let ids: Vec<_> = state.providers.iter().map(|(id, limit)| (*id, limit.concurrency)).collect();
        for (id, stated) in ids {
            if let Some(refusal) = self.lanes.lane(id).take_refusal() {
                // Where the fleet looks for the limit, its state says if all pause.
                state.announcements.extend(stated.and_then(|_| self.announcement(id, &refusal, now)));
                state.refusals.insert(id, refusal);
            }
            let pause = state.refusals.get(&id).map(|refusal| refusal.until.saturating_duration_since(now));
            let scope = Scope::account(id);
            let before = view.lanes().get(&scope).cloned().unwrap_or_default();
            let mut after = before.clone();
            let at = self.clock.now();
            if let (true, Some(pause), Some(refusal)) = (stated.is_some(), pause, state.refusals.get(&id)) {
                after = adaptive::cool(&after, at, pause, &refusal.reason).unwrap_or(after);
            }
            if stated.is_none() {
                let seen = self.observe(view, own, &scope, pause);
                let ceiling = self.ceiling.saturating_mul(view.executors());
                after = adaptive::step(&after, &seen, at, ceiling).unwrap_or(after);
            }
            if after != before {
                changes.insert(scope, after);
            }
        }
        changes
    }

    fn announcement(&self, id: ProviderId, refusal: &Refusal, now: Instant) -> Option<Control> {
        let pause = SignedDuration::try_from(refusal.until.saturating_duration_since(now)).ok()?;
        let until = self.clock.now().saturating_add(pause).ok()?;
        Some(Control::LaneCooldown { provider_id: id, until, reason: refusal.reason.clone() })
    }

    fn observe(&self, view: &View, own: &Leases, scope: &Scope, retry_after: Option<Duration>) -> Observed {
        let mut seen = Observed { retry_after, ..Observed::default() };
        for holder in view.live() {
            if let Some(share) = holder.leases.get(scope) {
                seen.add(&holder.name, share);
            }
        }
        if let Some(share) = own.get(scope) {
            seen.add(&self.name, share);
        }
        seen
    }

    /// Sets what is in use. Returns the longest time for which a call can be open that starts within the lease.
    fn measure(&self, leases: &mut Leases, state: &mut State) -> Duration {
        let mut longest = Duration::ZERO;
        for (scope, share) in leases {
            let lane = self.lanes.lane(scope.provider_id);
            let usage = lane.usage(scope.model.as_deref());
            let seen = state.open_for.entry(scope.provider_id).or_default();
            *seen = usage.open_for.max(*seen);
            let bound = if seen.is_zero() { OPEN_FOR_UNKNOWN } else { *seen };
            share.open_seconds = u32::try_from(bound.as_secs() + 1).unwrap_or(u32::MAX);
            (share.waiting, share.signals) = (usage.waiting, lane.signals());
            if let Some(holding) = share.resources.get_mut(&Resource::Concurrency) {
                // An executor that goes on without the store starts calls that no lease covers.
                holding.used = usage.in_flight.max(if state.alone { lane.concurrency() } else { 0 });
            }
            longest = longest.max(bound);
        }
        longest
    }
}

/// Returns true if a share is smaller than before: others need the rest.
fn shrinks(before: &Leases, after: &Leases) -> bool {
    let mut shares = before.iter().filter_map(|(scope, share)| Some((share, after.get(scope)?)));
    shares.any(|(before, after)| {
        after.resources.iter().any(|(resource, holding)| {
            before.resources.get(resource).is_some_and(|before| holding.granted < before.granted)
        })
    })
}

/// Returns the attempts per second since this was last asked.
fn rate(
    before: &mut BTreeMap<ProviderId, (u64, Instant)>,
    id: ProviderId,
    started: u64,
    now: Instant,
) -> f64 {
    let (count, at) = before.insert(id, (started, now)).unwrap_or((started, now));
    let elapsed = now.saturating_duration_since(at).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count of seconds")]
    let started = started.saturating_sub(count) as f64;
    if elapsed > 0.0 { started / elapsed } else { 0.0 }
}

/// Lowers each of the shares to that of `bound`.
fn lower(shares: &mut Leases, bound: &Leases) {
    for (scope, share) in shares {
        for (resource, holding) in &mut share.resources {
            let bound = bound.get(scope).and_then(|share| share.resources.get(resource));
            holding.granted = holding.granted.min(bound.map_or(0, |bound| bound.granted));
        }
    }
}
