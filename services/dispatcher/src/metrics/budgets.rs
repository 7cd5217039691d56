use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus::{GaugeVec, Opts, Registry};
use runmill_proto::{
    ProviderId,
    api::{BudgetLeft, BudgetUnit},
};

/// Metrics of the providers' budgets of the day. The series of a budget that is gone are removed.
#[derive(Clone)]
pub struct BudgetMetrics {
    limit: GaugeVec,
    left: GaugeVec,
    seen: Arc<Mutex<BTreeSet<(ProviderId, &'static str)>>>,
}

const LABELS: &[&str] = &["provider_id", "unit"];

impl BudgetMetrics {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let limit = Opts::new("runmill_budget_limit", "A provider's budget of the day, by unit.");
        let left = Opts::new("runmill_budget_left", "Rest of a provider's budget of the day, by unit.");
        let metrics = Self {
            limit: GaugeVec::new(limit, LABELS)?,
            left: GaugeVec::new(left, LABELS)?,
            seen: Arc::default(),
        };
        registry.register(Box::new(metrics.limit.clone()))?;
        registry.register(Box::new(metrics.left.clone()))?;
        Ok(metrics)
    }

    /// Sets the metrics to these budgets, which are all.
    pub fn observe(&self, budgets: &[(ProviderId, BudgetLeft)]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (provider_id, budget) in budgets {
            let labels = [&*provider_id.to_string(), unit(budget.unit)];
            self.limit.with_label_values(&labels).set(budget.limit);
            self.left.with_label_values(&labels).set(budget.left);
        }
        let now: BTreeSet<_> = budgets.iter().map(|(id, budget)| (*id, unit(budget.unit))).collect();
        for (provider_id, unit) in seen.difference(&now) {
            for gauge in [&self.limit, &self.left] {
                // Removing a series that does not exist is an error, which nobody needs.
                let _ = gauge.remove_label_values(&[&*provider_id.to_string(), *unit]);
            }
        }
        *seen = now;
    }
}

const fn unit(unit: BudgetUnit) -> &'static str {
    unit.as_str()
}
