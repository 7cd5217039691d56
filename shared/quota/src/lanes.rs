use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use runmill_proto::ProviderId;
use tokio::sync::Notify;

use crate::Lane;

/// Lanes of this process, by provider. All calls of a provider share its lane.
#[derive(Debug)]
pub struct Lanes {
    /// Concurrency of a new lane. `None` if it admits nothing before it has a lease.
    concurrency: Option<u32>,
    pressed: Arc<Notify>,
    by_provider: Mutex<HashMap<ProviderId, Arc<Lane>>>,
}

impl Lanes {
    /// Returns lanes that need no lease and admit `concurrency` attempts each.
    pub fn new(concurrency: u32) -> Self {
        Self::of(Some(concurrency))
    }

    /// Returns lanes that admit nothing before they have a lease.
    pub fn leased() -> Self {
        Self::of(None)
    }

    fn of(concurrency: Option<u32>) -> Self {
        Self { concurrency, pressed: Arc::default(), by_provider: Mutex::default() }
    }

    pub fn lane(&self, id: ProviderId) -> Arc<Lane> {
        let new = || Arc::new(Lane::with(self.concurrency, self.pressed.clone()));
        self.lock().entry(id).or_insert_with(new).clone()
    }

    /// Returns a notice of attempts that wait for a larger allowance, at most four times a second for each lane, and of
    /// refusals.
    pub fn pressed(&self) -> &Notify {
        &self.pressed
    }

    /// Updates what the consumers of all lanes may take.
    pub fn refresh(&self) {
        self.lock().values().for_each(|lane| lane.refresh());
    }

    /// Closes the lane of a provider that is gone.
    pub fn close(&self, id: ProviderId) {
        if let Some(lane) = self.lock().remove(&id) {
            lane.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProviderId, Arc<Lane>>> {
        self.by_provider.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::{Ask, Class, Closed};

    fn provider(n: u128) -> ProviderId {
        ProviderId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn all_who_call_a_provider_share_its_lane() {
        let lanes = Lanes::new(64);
        let (first, second) = (lanes.lane(provider(1)), lanes.lane(provider(1)));

        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!((first.concurrency(), Lanes::leased().lane(provider(1)).concurrency()), (64, 0));
    }

    #[tokio::test]
    async fn a_lane_that_is_closed_ends_the_waits_and_is_forgotten() {
        let lanes = Lanes::new(64);
        let old = lanes.lane(provider(1));

        lanes.close(provider(1));

        let ask = Ask { model: "m", estimated_tokens: 0, open_for: Duration::ZERO, class: Class::Run };
        assert_eq!(old.admit(&ask).await.unwrap_err(), Closed);
        assert!(lanes.lane(provider(1)).admit(&ask).await.is_ok());
    }
}
