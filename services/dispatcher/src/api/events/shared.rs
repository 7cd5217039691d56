use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use runmill_store::StoreError;
use tokio::sync::OnceCell;

/// Number of values that are kept. Observers that keep up ask for the same ones at the same time.
const KEPT_MAX: usize = 16;

/// The newest values that observers have asked for: each is made once, however many ask.
pub struct Shared<K, V>(Mutex<VecDeque<(K, Cell<V>)>>);

/// A value, once it is made.
type Cell<V> = Arc<OnceCell<Arc<V>>>;

impl<K, V> Default for Shared<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + Eq, V> Shared<K, V> {
    /// Returns the value of a key, and makes it if nobody has. While one makes it, others wait.
    ///
    /// Cancel safe: if the maker is dropped, the next one makes it.
    pub async fn get(
        &self,
        key: K,
        make: impl Future<Output = Result<V, StoreError>>,
    ) -> Result<Arc<V>, StoreError> {
        let cell = self.cell(key);
        cell.get_or_try_init(|| async { make.await.map(Arc::new) }).await.cloned()
    }

    /// Drops a value, because it may be another one the next time.
    pub fn forget(&self, key: K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| *known != key);
    }

    fn cell(&self, key: K) -> Cell<V> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = kept.iter().find(|(known, _)| *known == key) {
            return cell.clone();
        }
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        let cell = Arc::default();
        kept.push_back((key, Arc::clone(&cell)));
        cell
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_value_is_made_once_until_it_is_forgotten_or_old() {
        let (shared, made) = (Shared::default(), AtomicUsize::new(0));
        let get = |key: usize| {
            shared.get(key, async {
                tokio::task::yield_now().await;
                Ok(made.fetch_add(1, Ordering::Relaxed))
            })
        };
        let values = join_all((0..50).map(|_| get(0))).await;
        assert!(values.into_iter().all(|value| *value.unwrap() == 0));
        shared.forget(0);
        assert_eq!(*get(0).await.unwrap(), 1);
        for key in 1..=KEPT_MAX {
            get(key).await.unwrap();
        }
        assert_eq!(*get(0).await.unwrap(), 2 + KEPT_MAX, "it was the oldest");
        let failed = shared.get(99, async { Err(StoreError::Unavailable("gone".into())) }).await;
        assert!(failed.is_err());
        assert_eq!(*get(99).await.unwrap(), 3 + KEPT_MAX, "an error is not kept");
    }
}
