use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runmill_proto::ProviderId;

/// The lanes from which no jobs can be taken, with the reason. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub struct LaneHealth(Arc<Mutex<BTreeMap<ProviderId, String>>>);

impl LaneHealth {
    /// Returns an error that names one such lane, if there is one.
    pub fn check(&self) -> Result<(), String> {
        match self.lock().iter().next() {
            None => Ok(()),
            Some((provider_id, fault)) => {
                Err(format!("no jobs of provider {provider_id} are taken: {fault}"))
            }
        }
    }

    pub(super) fn fault(&self, provider_id: ProviderId) -> Option<String> {
        self.lock().get(&provider_id).cloned()
    }

    pub(super) fn set_fault(&self, provider_id: ProviderId, fault: String) {
        self.lock().insert(provider_id, fault);
    }

    pub(super) fn clear(&self, provider_id: ProviderId) {
        self.lock().remove(&provider_id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ProviderId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_lane_without_jobs_is_named_until_it_has_some() {
        let (health, id) = (LaneHealth::default(), ProviderId::from_uuid(Uuid::nil()));
        assert_eq!(health.check(), Ok(()));

        health.set_fault(id, "no channel is left".into());
        assert_eq!(health.check(), Err(format!("no jobs of provider {id} are taken: no channel is left")));

        health.clear(id);
        assert_eq!((health.check(), health.fault(id)), (Ok(()), None));
    }
}
