use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus::{IntGaugeVec, Opts, Registry};
use runmill_proto::{ProviderId, api::ExecutorLane};

/// Metrics of the keys with which this executor calls providers. A provider's series are removed with its lane.
#[derive(Clone)]
pub struct KeyMetrics {
    keys: IntGaugeVec,
    seen: Arc<Mutex<BTreeSet<ProviderId>>>,
}

const USABLE: &str = "usable";
const SET_ASIDE: &str = "set_aside";

impl KeyMetrics {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let help = "Keys of a provider by state: usable, or set aside because their circuit breaker is open.";
        let keys = IntGaugeVec::new(Opts::new("runmill_provider_keys", help), &["provider_id", "state"])?;
        registry.register(Box::new(keys.clone()))?;
        Ok(Self { keys, seen: Arc::default() })
    }

    /// Sets the metrics to the keys of these lanes, which are all that this executor has. It is called at each heartbeat.
    pub fn observe(&self, lanes: &[ExecutorLane]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for lane in lanes {
            let set_aside = lane.keys.iter().filter(|key| key.set_aside.is_some()).count();
            self.set(lane.provider_id, USABLE, lane.keys.len() - set_aside);
            self.set(lane.provider_id, SET_ASIDE, set_aside);
        }
        let now: BTreeSet<_> = lanes.iter().map(|lane| lane.provider_id).collect();
        for gone in seen.difference(&now) {
            for state in [USABLE, SET_ASIDE] {
                // Removing a series that does not exist is an error, which nobody needs.
                let _ = self.keys.remove_label_values(&[&*gone.to_string(), state]);
            }
        }
        *seen = now;
    }

    fn set(&self, provider_id: ProviderId, state: &str, keys: usize) {
        let keys = i64::try_from(keys).unwrap_or(i64::MAX);
        self.keys.with_label_values(&[&*provider_id.to_string(), state]).set(keys);
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;
    use runmill_proto::api::ExecutorKey;
    use uuid::Uuid;

    use super::*;

    fn key(set_aside: Option<&str>) -> ExecutorKey {
        ExecutorKey { label: "k".into(), in_flight: 0, set_aside: set_aside.map(str::to_owned) }
    }

    #[test]
    fn keys_are_counted_by_state_while_their_provider_has_a_lane() {
        let registry = Registry::new();
        let metrics = KeyMetrics::register(&registry).unwrap();
        let provider_id = ProviderId::from_uuid(Uuid::nil());
        let keys = vec![key(None), key(Some("401")), key(None)];
        let lane = ExecutorLane { provider_id, concurrency: 1, in_flight: 0, keys, fault: None };
        let shown = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();

        metrics.observe(&[lane]);

        let found = shown();
        for (state, count) in [(USABLE, 2), (SET_ASIDE, 1)] {
            let series = format!("keys{{provider_id=\"{provider_id}\",state=\"{state}\"}} {count}\n");
            assert!(found.contains(&series), "{series} is not in {found}");
        }

        metrics.observe(&[]);
        assert_eq!(shown(), "");
    }
}
