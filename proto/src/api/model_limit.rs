use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value};

use super::{RateLimit, strict::known};
use crate::{ConfigFault, Range, range::optional_number};

/// Limits of one model within those of the account. Null if not stated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ModelLimit {
    /// Largest number of calls in flight, from 1 to 100000.
    #[serde(deserialize_with = "optional_number")]
    pub concurrency: Option<u32>,
    /// Largest number of requests per minute, from 1 to 1000000000.
    #[serde(deserialize_with = "optional_number")]
    pub rpm: Option<u32>,
    /// Largest number of requests per second, from 0.001 to 1000000.
    #[serde(deserialize_with = "optional_number")]
    pub rps: Option<f64>,
    /// Largest number of tokens per minute, from 1 to 1000000000000.
    #[serde(deserialize_with = "optional_number")]
    pub tpm: Option<u64>,
}

/// Maximum number of models with limits of their own.
const MODELS_MAX: usize = 100;

impl ModelLimit {
    pub(super) const RPS: Range<f64> = Range::new(0.001, 1_000_000.0);
    pub(super) const TPM: Range<u64> = Range::new(1, 1_000_000_000_000);

    /// Returns one fault for each limit that is out of its range, and one if there are too many models.
    pub(super) fn faults(models: &BTreeMap<String, Self>, pointer: &str) -> Vec<ConfigFault> {
        if models.len() > MODELS_MAX {
            let detail = format!("must have at most {MODELS_MAX} models");
            return vec![ConfigFault { pointer: pointer.to_owned(), detail }];
        }
        let faults = models.iter().flat_map(|(name, limit)| {
            // As RFC 6901 escapes the parts of a JSON pointer.
            let model = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            [
                RateLimit::CONCURRENCY.fault(format!("{model}/concurrency"), limit.concurrency),
                RateLimit::RPM.fault(format!("{model}/rpm"), limit.rpm),
                Self::RPS.fault(format!("{model}/rps"), limit.rps),
                Self::TPM.fault(format!("{model}/tpm"), limit.tpm),
            ]
        });
        faults.flatten().collect()
    }
}

/// Like [`strict`](super::strict::strict), also for the limits of models.
pub(super) fn strict_limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RateLimit, D::Error> {
    known_limits(Map::deserialize(deserializer)?)
}

pub(super) fn strict_limits_option<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RateLimit>, D::Error> {
    Option::<Map<String, Value>>::deserialize(deserializer)?.map(known_limits).transpose()
}

fn known_limits<E: Error>(limits: Map<String, Value>) -> Result<RateLimit, E> {
    let models = limits.get("models").and_then(Value::as_object);
    for limit in models.into_iter().flat_map(Map::values).filter_map(Value::as_object) {
        known::<ModelLimit, E>(limit.clone())?;
    }
    known(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_model_and_too_many_models_are_one_fault() {
        let limit = |rpm| ModelLimit { rpm: Some(rpm), ..ModelLimit::default() };
        let pointers = |models: BTreeMap<String, ModelLimit>| {
            let faults = ModelLimit::faults(&models, "/models");
            faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
        };

        assert_eq!(
            pointers([("meta/llama~3".into(), limit(0)), ("b".into(), limit(1))].into()),
            ["/models/meta~1llama~03/rpm"]
        );
        let many = |count: usize| (0..count).map(|n| (n.to_string(), limit(0))).collect();
        assert_eq!((pointers(many(100)).len(), pointers(many(101))), (100, vec!["/models".to_owned()]));
    }
}
