use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Generation,
    api::{RequestOverride, RetryOverride},
    depth::depth,
};

/// A run's configuration as the user sent it; keys that runmill does not know are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct RunConfig(pub Map<String, Value>);

/// One thing that is wrong with a [`RunConfig`]; `pointer` is a JSON pointer into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct ConfigFault {
    pub pointer: String,
    pub detail: String,
}

/// What one job needs of its run's configuration; travels in every job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobConfig {
    pub generation: Generation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// A Jinja template with `text`, `choices`, `id` and `meta`; none: the text, and lettered choices below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoring: Option<Scoring>,
    /// The most that one attempt may take, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<f64>,
    /// Attempts after the first; waiting for a rate limit does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// What the run says above the provider's and the workspace's settings.
    #[serde(skip_serializing_if = "RequestOverride::is_empty")]
    pub request: RequestOverride,
    #[serde(skip_serializing_if = "RetryOverride::is_empty")]
    pub retry: RetryOverride,
}

/// Which scorer, and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scoring {
    pub scorer: Scorer,
    /// For `regex`: what the answer must match; its first group, if any, is the extracted answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// For `numeric`: the largest difference that still counts as equal, absolute. Default 1e-6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scorer {
    /// Equal to the reference after extraction, case and white space aside.
    Exact,
    /// The reference occurs in the answer.
    Includes,
    Regex,
    /// The last number of the answer, within a tolerance.
    Numeric,
    /// The letter or text of the right choice; a set with F1 for `mcq_multi`.
    Choice,
    /// No score.
    None,
}

const SAMPLES_MAX: u64 = 1_000;

/// Of a tool's parameters or an answer's schema; what surrounds them in a message has room below the reader's
/// own limit.
const DEPTH_MAX: usize = 40;

impl RunConfig {
    /// Reads what jobs need, or says everything that is wrong with it.
    ///
    /// Sampling parameters are under `generation`, else `sampling`, else at the top level.
    pub fn job(&self) -> Result<JobConfig, Vec<ConfigFault>> {
        let mut reader = Reader { map: &self.0, faults: Vec::new() };
        let config = JobConfig {
            generation: reader.generation(),
            system_prompt: reader.get("system_prompt"),
            prompt_template: reader.get("prompt_template"),
            scoring: reader.get("scoring"),
            timeout_seconds: reader.get("timeout_seconds"),
            max_retries: reader.get("max_retries"),
            request: reader.get("request").unwrap_or_default(),
            retry: reader.get("retry").unwrap_or_default(),
        };
        reader.check_generation(&config.generation);
        reader.faults.extend(config.request.faults());
        reader.faults.extend(config.retry.faults());
        reader.samples();
        if reader.get::<u32>("concurrency") == Some(0) {
            reader.fault("/concurrency", "must be above 0, or absent");
        }
        reader.get::<Timestamp>("deadline");
        if config.timeout_seconds.is_some_and(|s| !(s > 0.0 && s <= 86_400.0)) {
            reader.fault("/timeout_seconds", "must be above 0 and at most 86400");
        }
        if let Some(Scoring { scorer: Scorer::Regex, pattern: None, .. }) = config.scoring {
            reader.fault("/scoring/pattern", "the regex scorer needs a pattern");
        }
        if reader.faults.is_empty() { Ok(config) } else { Err(reader.faults) }
    }

    /// Independent answers to each item; 1 where the run does not say.
    pub fn samples(&self) -> u32 {
        let mut reader = Reader { map: &self.0, faults: Vec::new() };
        reader.samples()
    }

    /// The most jobs of this run in flight at once, if the run limits itself.
    pub fn concurrency(&self) -> Option<u32> {
        self.0.get("concurrency").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())
    }

    /// No call of this run starts after this moment.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.0.get("deadline").and_then(Value::as_str).and_then(|text| text.parse().ok())
    }
}

struct Reader<'a> {
    map: &'a Map<String, Value>,
    faults: Vec<ConfigFault>,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(ConfigFault { pointer: pointer.into(), detail: detail.into() });
    }

    fn get<T: serde::de::DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        match T::deserialize(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(&format!("/{key}"), error.to_string());
                None
            }
        }
    }

    fn generation(&mut self) -> Generation {
        for key in ["generation", "sampling"] {
            if self.map.contains_key(key) {
                return self.get(key).unwrap_or_default();
            }
        }
        Generation::deserialize(&Value::Object(self.map.clone())).unwrap_or_else(|error| {
            self.fault("", error.to_string());
            Generation::default()
        })
    }

    fn check_generation(&mut self, generation: &Generation) {
        self.faults.extend(generation.faults());
        // Every job carries them, and a message nests only so deep.
        for key in ["tools", "response_format"] {
            let value = ["generation", "sampling"].iter().find_map(|place| self.map.get(*place)?.get(key));
            if value.or_else(|| self.map.get(key)).is_some_and(|value| depth(value) > DEPTH_MAX) {
                self.fault(&format!("/{key}"), format!("nests deeper than {DEPTH_MAX} levels"));
            }
        }
    }

    fn samples(&mut self) -> u32 {
        match self.get::<u64>("samples") {
            None => 1,
            Some(n @ 1..=SAMPLES_MAX) => u32::try_from(n).expect("at most SAMPLES_MAX"),
            Some(_) => {
                self.fault("/samples", format!("must be from 1 to {SAMPLES_MAX}"));
                1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(value: Value) -> RunConfig {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn sampling_parameters_are_found_in_all_three_places() {
        let want = Generation { temperature: Some(0.5), ..Generation::default() };
        for value in [
            json!({"generation": {"temperature": 0.5}}),
            json!({"sampling": {"temperature": 0.5}}),
            json!({"temperature": 0.5}),
        ] {
            assert_eq!(config(value).job().unwrap().generation, want);
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let faults = config(json!({
            "samples": 0, "concurrency": 0, "timeout_seconds": -1, "scoring": {"scorer": "regex"}, "max_retries": "many"
        }))
        .job()
        .unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/max_retries", "/samples", "/concurrency", "/timeout_seconds", "/scoring/pattern"]
        );
    }

    #[test]
    fn unknown_keys_are_kept() {
        let kept = config(json!({"team": {"cost_centre": 7}}));
        assert_eq!(serde_json::to_value(&kept).unwrap(), json!({"team": {"cost_centre": 7}}));
        assert!(kept.job().is_ok());
    }
}
