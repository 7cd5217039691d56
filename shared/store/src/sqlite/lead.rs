use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;

use super::SqliteStore;
use crate::{Lead, Leader, StoreError};

/// Lock of the feeder among the tasks of this process. No other process feeds the runs of this one.
struct SqliteLead {
    is_led: Arc<AtomicBool>,
    term: u64,
}

#[async_trait]
impl Leader for SqliteStore {
    async fn try_lead(&self) -> Result<Option<Box<dyn Lead>>, StoreError> {
        if self.is_led.swap(true, Ordering::AcqRel) {
            return Ok(None);
        }
        Ok(Some(Box::new(SqliteLead { is_led: self.is_led.clone(), term: self.next_term() })))
    }
}

#[async_trait]
impl Lead for SqliteLead {
    fn term(&self) -> u64 {
        self.term
    }

    fn is_held(&self) -> bool {
        true
    }

    async fn release(self: Box<Self>) {}
}

impl Drop for SqliteLead {
    fn drop(&mut self) {
        self.is_led.store(false, Ordering::Release);
    }
}
