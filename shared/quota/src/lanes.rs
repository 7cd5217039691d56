use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use runmill_proto::{ProviderId, api::RateLimit};

use crate::{Allowance, Lane};

/// Lanes of this process, by provider. All calls of a provider share its lane.
#[derive(Debug)]
pub struct Lanes {
    /// Maximum number of attempts in flight at a provider that states no limit.
    default_concurrency: u32,
    by_provider: Mutex<HashMap<ProviderId, Arc<Lane>>>,
}

impl Lanes {
    pub fn new(default_concurrency: u32) -> Self {
        Self { default_concurrency, by_provider: Mutex::default() }
    }

    /// Returns the provider's lane. A new lane has the limits of a provider that states none.
    pub fn lane(&self, id: ProviderId) -> Arc<Lane> {
        let new = || Arc::new(Lane::new(self.default_concurrency));
        self.lock().entry(id).or_insert_with(new).clone()
    }

    /// Gives the provider's lane the whole of the limits that the provider states, and returns it.
    pub fn set_limits(&self, id: ProviderId, limits: &RateLimit) -> Arc<Lane> {
        let lane = self.lane(id);
        let account = Allowance::of_account(limits, self.default_concurrency);
        let models = limits.models.iter().map(|(name, limit)| (name.clone(), Allowance::of_model(limit)));
        lane.set_allowances(&account, &models.collect());
        lane
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
    use crate::{Ask, Closed};

    fn provider(n: u128) -> ProviderId {
        ProviderId::from_uuid(Uuid::from_u128(n))
    }

    fn limits(concurrency: Option<u32>) -> RateLimit {
        RateLimit { concurrency, ..RateLimit::default() }
    }

    #[test]
    fn all_who_call_a_provider_share_its_lane() {
        let lanes = Lanes::new(64);
        let first = lanes.lane(provider(1));
        assert_eq!(first.concurrency(), 64);

        let second = lanes.set_limits(provider(1), &limits(Some(8)));

        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!((first.concurrency(), lanes.lane(provider(2)).concurrency()), (8, 64));
        assert_eq!(lanes.set_limits(provider(1), &limits(None)).concurrency(), 64);
    }

    #[tokio::test]
    async fn a_lane_that_is_closed_ends_the_waits_and_is_forgotten() {
        let lanes = Lanes::new(64);
        let old = lanes.lane(provider(1));

        lanes.close(provider(1));

        let ask = Ask { model: "m", estimated_tokens: 0, open_for: Duration::ZERO };
        assert_eq!(old.admit(&ask).await.unwrap_err(), Closed);
        assert!(lanes.lane(provider(1)).admit(&ask).await.is_ok());
    }
}
