use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runmill_proto::ProviderId;
use tokio::sync::Notify;

/// Clients' calls and requests of this process that have not ended.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Shared>);

#[derive(Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Rings when something finds no executor.
    alarm: Notify,
}

/// Numbers of what has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub calls: HashMap<ProviderId, u64>,
    pub requests: u32,
}

/// A call or a request, which counts until this is dropped.
pub struct Open {
    shared: Arc<Shared>,
    /// Provider of a call; `None` for a request.
    of: Option<ProviderId>,
}

impl Waiting {
    pub fn call(&self, provider_id: ProviderId) -> Open {
        self.open(Some(provider_id))
    }

    pub fn request(&self) -> Open {
        self.open(None)
    }

    pub fn counts(&self) -> Counts {
        self.0.lock().clone()
    }

    /// Tells at once that something finds no executor.
    pub fn ring(&self) {
        self.0.alarm.notify_one();
    }

    /// Waits for the next [`Waiting::ring`].
    pub async fn rung(&self) {
        self.0.alarm.notified().await;
    }

    fn open(&self, of: Option<ProviderId>) -> Open {
        let mut counts = self.0.lock();
        match of {
            Some(provider_id) => *counts.calls.entry(provider_id).or_default() += 1,
            None => counts.requests += 1,
        }
        drop(counts);
        Open { shared: self.0.clone(), of }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut counts = self.shared.lock();
        let Some(provider_id) = self.of else {
            counts.requests = counts.requests.saturating_sub(1);
            return;
        };
        if let Some(calls) = counts.calls.get_mut(&provider_id) {
            *calls = calls.saturating_sub(1);
            if *calls == 0 {
                counts.calls.remove(&provider_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_has_ended_no_longer_counts() {
        let (waiting, provider) = (Waiting::default(), ProviderId::from_uuid(Uuid::nil()));
        let (first, request) = (waiting.call(provider), waiting.request());
        let second = waiting.call(provider);
        assert_eq!(waiting.counts(), Counts { calls: [(provider, 2)].into(), requests: 1 });

        drop((first, request));
        assert_eq!(waiting.counts(), Counts { calls: [(provider, 1)].into(), requests: 0 });
        drop(second);
        assert_eq!(waiting.counts(), Counts::default());
    }
}
