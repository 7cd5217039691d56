use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Result of the last attempt to write to the store, for each partition.
#[derive(Clone, Debug, Default)]
pub struct StoreHealth(Arc<Mutex<BTreeMap<u16, Blocked>>>);

/// State of a partition whose messages the store does not accept.
#[derive(Clone, Debug)]
struct Blocked {
    since: Instant,
    reason: String,
}

/// The last attempt to write failed, and the messages wait for the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreUnavailable(pub String);

impl StoreHealth {
    /// Returns an error from a failed attempt to write a partition until the next successful one of that partition.
    pub fn check(&self) -> Result<(), StoreUnavailable> {
        let longest = self.lock().values().min_by_key(|blocked| blocked.since).cloned();
        longest.map_or(Ok(()), |blocked| Err(StoreUnavailable(blocked.reason)))
    }

    /// Returns the time for which the partition that waits longest has waited, and zero if none waits.
    pub fn blocked_for(&self) -> Duration {
        let longest = self.lock().values().map(|blocked| blocked.since).min();
        longest.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(crate) fn failed(&self, partition: u16, reason: String) {
        let mut partitions = self.lock();
        let since = partitions.get(&partition).map_or_else(Instant::now, |blocked| blocked.since);
        partitions.insert(partition, Blocked { since, reason });
    }

    pub(crate) fn written(&self, partition: u16) {
        self.lock().remove(&partition);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, Blocked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
