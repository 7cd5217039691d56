use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU16, Ordering},
};

/// Result of the last attempt to write to the store.
#[derive(Clone, Debug, Default)]
pub struct StoreHealth(Arc<Mutex<Option<StoreUnavailable>>>);

/// The last attempt to write failed because the store was not available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreUnavailable(pub String);

impl StoreHealth {
    /// Returns an error from a failed attempt to write until the next successful one.
    pub fn check(&self) -> Result<(), StoreUnavailable> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn set(&self, fault: Option<StoreUnavailable>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// Number of partitions that have no consumer yet. Until it is zero, a queue to which executors publish may not
/// exist.
#[derive(Clone, Debug)]
pub struct ConsumerHealth {
    missing: Arc<AtomicU16>,
}

/// Some partitions have no consumer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partitions of the logs without a consumer: {missing}")]
pub struct NotConsuming {
    pub missing: u16,
}

impl ConsumerHealth {
    pub fn new(partitions: u16) -> Self {
        Self { missing: Arc::new(AtomicU16::new(partitions)) }
    }

    /// Returns an error until every partition has a consumer.
    pub fn check(&self) -> Result<(), NotConsuming> {
        match self.missing.load(Ordering::Relaxed) {
            0 => Ok(()),
            missing => Err(NotConsuming { missing }),
        }
    }

    pub(crate) fn one_began(&self) {
        self.missing.fetch_sub(1, Ordering::Relaxed);
    }
}
