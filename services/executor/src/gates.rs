use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runmill_proto::ProviderId;
use runmill_quota::Gate;
use runmill_store::ProviderRow;

/// What each provider's lane may have in flight here, for all who call it.
#[derive(Clone)]
pub struct Gates {
    /// Calls in flight at a provider that states no limit.
    default_concurrency: u32,
    by_provider: Arc<Mutex<HashMap<ProviderId, Arc<Gate>>>>,
}

impl Gates {
    pub fn new(default_concurrency: u32) -> Self {
        Self { default_concurrency, by_provider: Arc::default() }
    }

    /// The provider's gate, with its limit as the row says.
    pub fn of(&self, row: &ProviderRow) -> Arc<Gate> {
        let limit = row.rate_limit.concurrency.unwrap_or(self.default_concurrency);
        let gate = self.lock().entry(row.id).or_insert_with(|| Arc::new(Gate::new(limit))).clone();
        gate.set_limit(limit);
        gate
    }

    pub fn forget(&self, id: ProviderId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProviderId, Arc<Gate>>> {
        self.by_provider.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
