use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ConfigFault, JobConfig, RunConfig};
use crate::{
    api::{RETRIES, RateLimit, SECONDS},
    range::optional_number,
};

/// Numbers at the top level of a run's configuration.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RunConfigNumbers))]
#[serde(default)]
pub struct Numbers {
    /// Number of independent answers to each item, from 1 to 1000. Default: 1.
    #[serde(deserialize_with = "optional_number")]
    pub samples: Option<u32>,
    /// Maximum number of jobs of this run in the queue and in flight, from 1 to 100000.
    #[serde(deserialize_with = "optional_number")]
    pub concurrency: Option<u32>,
    /// Short name of `request.total_timeout_seconds`, over which it takes precedence: from 0.001 to 86400.
    #[serde(deserialize_with = "optional_number")]
    pub timeout_seconds: Option<f64>,
    /// Short name of `retry.max_retries`, over which it takes precedence: from 0 to 100.
    #[serde(deserialize_with = "optional_number")]
    pub max_retries: Option<u32>,
}

impl Numbers {
    /// Reads the numbers of a configuration. A value that is no number counts as out of range.
    pub fn of(config: &Map<String, Value>) -> Self {
        Self::deserialize(config).unwrap_or_default()
    }

    /// Returns one fault for each number that is out of its range.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let faults = [
            SECONDS.fault("/timeout_seconds", self.timeout_seconds),
            RETRIES.fault("/max_retries", self.max_retries),
            RunConfig::SAMPLES.fault("/samples", self.samples),
            RateLimit::CONCURRENCY.fault("/concurrency", self.concurrency),
        ];
        faults.into_iter().flatten().collect()
    }

    /// Sets the settings that have short names, which evaluation harnesses use. A short name takes precedence over
    /// the long one.
    pub fn put_into(&self, JobConfig { request, retry, .. }: &mut JobConfig) {
        request.total_timeout_seconds = self.timeout_seconds.or(request.total_timeout_seconds);
        retry.max_retries = self.max_retries.or(retry.max_retries);
    }
}
