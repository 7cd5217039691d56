#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use runmill_proto::lease::{LaneState, Leases, Resource, Scope, Share, Signals};

/// Metrics of the shares of limits that this executor has, and of what the fleet knows of each lane.
///
/// Their labels are bounded: a model has one only if it has limits of its own. The series of a scope that is gone are
/// removed.
#[derive(Clone)]
pub struct LimitMetrics {
    granted: IntGaugeVec,
    used: IntGaugeVec,
    wanted: IntGaugeVec,
    waiting: IntGaugeVec,
    attempts: IntCounterVec,
    cooldown: GaugeVec,
    adaptive_concurrency: IntGaugeVec,
    adaptive_rate: GaugeVec,
    seen: Arc<Mutex<Seen>>,
}

/// State at the last call of [`LimitMetrics::observe`].
#[derive(Default)]
struct Seen {
    leases: Leases,
    lanes: BTreeMap<Scope, LaneState>,
}

const SCOPE: &[&str] = &["provider_id", "model"];
const LIMIT: &[&str] = &["provider_id", "model", "resource"];

impl LimitMetrics {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            granted: IntGaugeVec::new(
                Opts::new("runmill_limit_granted_slots", "Slots of each limit that this executor may use."),
                LIMIT,
            )?,
            used: IntGaugeVec::new(
                Opts::new("runmill_limit_used_slots", "Slots in use; 0 for rates."),
                LIMIT,
            )?,
            wanted: IntGaugeVec::new(
                Opts::new("runmill_limit_wanted_slots", "Slots that this executor could use."),
                LIMIT,
            )?,
            waiting: IntGaugeVec::new(
                Opts::new("runmill_lane_waiting", "Calls that wait to be admitted by the limits."),
                SCOPE,
            )?,
            attempts: IntCounterVec::new(
                Opts::new("runmill_lane_attempts_total", "Attempts as limits see them, by how they ended."),
                &["provider_id", "model", "end"],
            )?,
            cooldown: GaugeVec::new(
                Opts::new("runmill_lane_cooldown_seconds", "Time until the end of the fleet's cooldown."),
                SCOPE,
            )?,
            adaptive_concurrency: IntGaugeVec::new(
                Opts::new("runmill_lane_adaptive_concurrency", "Concurrency that the fleet found by itself."),
                SCOPE,
            )?,
            adaptive_rate: GaugeVec::new(
                Opts::new(
                    "runmill_lane_adaptive_calls_per_second",
                    "Call rate that the fleet found by itself.",
                ),
                SCOPE,
            )?,
            seen: Arc::default(),
        };
        for gauge in [&metrics.granted, &metrics.used, &metrics.wanted, &metrics.waiting] {
            registry.register(Box::new(gauge.clone()))?;
        }
        registry.register(Box::new(metrics.attempts.clone()))?;
        registry.register(Box::new(metrics.adaptive_concurrency.clone()))?;
        for gauge in [&metrics.cooldown, &metrics.adaptive_rate] {
            registry.register(Box::new(gauge.clone()))?;
        }
        Ok(metrics)
    }

    /// Sets the metrics to the shares of this executor and the states of the lanes at `now`, the store's time. It is
    /// called at each heartbeat.
    pub fn observe(&self, leases: &Leases, lanes: &BTreeMap<Scope, LaneState>, now: Timestamp) {
        let mut seen = self.seen();
        for (scope, share) in leases {
            let before = seen.leases.get(scope);
            self.observe_share(scope, share, before.map(|share| share.signals).unwrap_or_default());
            let resources = before.into_iter().flat_map(|share| share.resources.keys());
            resources
                .filter(|it| !share.resources.contains_key(it))
                .for_each(|it| self.forget_limit(scope, *it));
        }
        for (scope, share) in seen.leases.iter().filter(|(scope, _)| !leases.contains_key(scope)) {
            self.forget_share(scope, share);
        }
        for (scope, state) in lanes {
            self.observe_lane(scope, state, now);
        }
        for scope in seen.lanes.keys().filter(|scope| !lanes.contains_key(scope)) {
            self.forget_lane(scope);
        }
        *seen = Seen { leases: leases.clone(), lanes: lanes.clone() };
    }

    fn observe_share(&self, scope: &Scope, share: &Share, before: Signals) {
        let (provider, model) = labels(scope);
        for (resource, holding) in &share.resources {
            let labels = [&*provider, model, resource.as_str()];
            self.granted.with_label_values(&labels).set(holding.granted.into());
            self.used.with_label_values(&labels).set(holding.used.into());
            self.wanted.with_label_values(&labels).set(holding.wants.into());
        }
        self.waiting.with_label_values(&[&*provider, model]).set(share.waiting.into());
        for (end, count) in ends(share.signals) {
            let old = ends(before).into_iter().find_map(|(name, old)| (name == end).then_some(old));
            let new = count.saturating_sub(old.unwrap_or_default());
            self.attempts.with_label_values(&[&*provider, model, end]).inc_by(new);
        }
    }

    fn observe_lane(&self, scope: &Scope, state: &LaneState, now: Timestamp) {
        let (provider, model) = labels(scope);
        let labels = [&*provider, model];
        let left = state.cooldown.as_ref().map(|cooldown| cooldown.until.duration_since(now).as_secs_f64());
        self.cooldown.with_label_values(&labels).set(left.unwrap_or_default().max(0.0));
        let adaptive = state.adaptive.as_ref();
        set_or_remove(&self.adaptive_rate, labels, adaptive.and_then(|it| it.calls_per_second));
        if let Some(adaptive) = adaptive {
            self.adaptive_concurrency.with_label_values(&labels).set(adaptive.concurrency.into());
        } else {
            // Removing a series that does not exist is an error, which nobody needs.
            let _ = self.adaptive_concurrency.remove_label_values(&labels);
        }
    }

    fn forget_share(&self, scope: &Scope, share: &Share) {
        let (provider, model) = labels(scope);
        share.resources.keys().for_each(|resource| self.forget_limit(scope, *resource));
        let _ = self.waiting.remove_label_values(&[&*provider, model]);
        for (end, _) in ends(share.signals) {
            let _ = self.attempts.remove_label_values(&[&*provider, model, end]);
        }
    }

    fn forget_limit(&self, scope: &Scope, resource: Resource) {
        let (provider, model) = labels(scope);
        for gauge in [&self.granted, &self.used, &self.wanted] {
            let _ = gauge.remove_label_values(&[&*provider, model, resource.as_str()]);
        }
    }

    fn forget_lane(&self, scope: &Scope) {
        let (provider, model) = labels(scope);
        let _ = self.adaptive_concurrency.remove_label_values(&[&*provider, model]);
        for gauge in [&self.cooldown, &self.adaptive_rate] {
            set_or_remove(gauge, [&*provider, model], None);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removing a series that does not exist is an error, which nobody needs.
fn set_or_remove(gauge: &GaugeVec, labels: [&str; 2], value: Option<f64>) {
    match value {
        Some(value) => gauge.with_label_values(&labels).set(value),
        None => drop(gauge.remove_label_values(&labels)),
    }
}

/// Returns the provider's id, and the model's name: an empty one for the account.
fn labels(scope: &Scope) -> (String, &str) {
    (scope.provider_id.to_string(), scope.model.as_deref().unwrap_or_default())
}

fn ends(signals: Signals) -> [(&'static str, u64); 4] {
    [
        ("answered", signals.answered),
        ("refused", signals.refused),
        ("failed", signals.failed),
        ("late", signals.late),
    ]
}
