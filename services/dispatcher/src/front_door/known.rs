use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Values that were read from the store a moment ago, by key, so that clients' calls do not each read them.
pub struct Known<K, V> {
    keep: Duration,
    max: usize,
    kept: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash, V: Clone> Known<K, V> {
    /// * `keep`: age up to which a value counts.
    /// * `max`: largest number of values in memory. More are not kept.
    pub fn new(keep: Duration, max: usize) -> Self {
        Self { keep, max, kept: Mutex::default() }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        let kept = self.lock();
        kept.get(key).filter(|(read_at, _)| read_at.elapsed() < self.keep).map(|(_, value)| value.clone())
    }

    /// Keeps a value. Its age counts from `read_at`, the time before it was read.
    pub fn insert(&self, key: K, value: V, read_at: Instant) {
        let mut kept = self.lock();
        if kept.len() >= self.max {
            kept.retain(|_, (read_at, _)| read_at.elapsed() < self.keep);
        }
        if kept.len() < self.max {
            kept.insert(key, (read_at, value));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const KEEP: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_value_counts_for_its_time() {
        let known = Known::new(KEEP, 10);
        known.insert("a", 1, Instant::now());
        advance(Duration::from_millis(999)).await;
        assert_eq!(known.get(&"a"), Some(1));

        advance(Duration::from_millis(1)).await;

        assert_eq!(known.get(&"a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_kept_and_old_ones_make_room() {
        let known = Known::new(KEEP, 2);
        for key in 0..3 {
            known.insert(key, (), Instant::now());
        }
        assert_eq!((known.get(&1), known.get(&2)), (Some(()), None));

        advance(KEEP).await;
        known.insert(2, (), Instant::now());

        assert_eq!(known.get(&2), Some(()));
    }
}
