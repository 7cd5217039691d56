use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::SqliteStore;
use crate::{Lead, Leader, StoreError};

/// Lease of the feeder. It is in memory, because no other process feeds the runs of this one.
#[derive(Default)]
pub struct Lease(Mutex<State>);

#[derive(Default)]
struct State {
    /// Number of the newest lead; 0 before the first.
    term: u64,
    ends: Option<Instant>,
}

struct SqliteLead {
    lease: Arc<Lease>,
    term: u64,
    length: Duration,
}

impl Lease {
    pub fn term(&self) -> u64 {
        self.lock().term
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lasts(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() < ends)
    }
}

#[async_trait]
impl Leader for SqliteStore {
    async fn try_lead(&self, lease: Duration) -> Result<Option<Box<dyn Lead>>, StoreError> {
        let mut state = self.lease.lock();
        if state.lasts() {
            return Ok(None);
        }
        state.term += 1;
        state.ends = Some(Instant::now() + lease);
        Ok(Some(Box::new(SqliteLead { lease: self.lease.clone(), term: state.term, length: lease })))
    }

    async fn is_led(&self) -> Result<bool, StoreError> {
        Ok(self.lease.lock().lasts())
    }
}

#[async_trait]
impl Lead for SqliteLead {
    fn term(&self) -> u64 {
        self.term
    }

    fn is_held(&self) -> bool {
        let state = self.lease.lock();
        state.term == self.term && state.lasts()
    }

    async fn renew(&self) -> Result<bool, StoreError> {
        let mut state = self.lease.lock();
        let held = state.term == self.term && state.lasts();
        if held {
            state.ends = Some(Instant::now() + self.length);
        }
        Ok(held)
    }

    async fn release(&self) {
        let mut state = self.lease.lock();
        if state.term == self.term {
            state.ends = None;
        }
    }
}
