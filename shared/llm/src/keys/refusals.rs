use std::sync::{Arc, Mutex, MutexGuard};

use tokio::time::Instant;

/// Refusals of one call's request, by the keys with which it was refused.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Vec<Refusal>>);

/// Refusals of one request with one key.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    key: Arc<str>,
    /// Number of refusals.
    pub count: u32,
    /// Time of the last refusal.
    pub last: Instant,
}

impl Refusals {
    /// Returns the refusals so far with the key that has this label.
    pub(super) fn of(&self, key: &str) -> Option<Refusal> {
        self.lock().iter().find(|refusal| &*refusal.key == key).cloned()
    }

    pub(super) fn count(&self, key: &str) -> u32 {
        self.of(key).map_or(0, |refusal| refusal.count)
    }

    /// Adds a refusal that has arrived now.
    pub(super) fn add(&self, key: &Arc<str>) {
        let now = Instant::now();
        let mut refusals = self.lock();
        match refusals.iter_mut().find(|refusal| refusal.key == *key) {
            Some(refusal) => (refusal.count, refusal.last) = (refusal.count + 1, now),
            None => refusals.push(Refusal { key: key.clone(), count: 1, last: now }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Refusal>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
