use serde::{Deserialize, Serialize};

use super::{Judging, Scoring, Strategy, Variation};
use crate::{
    Generation, Texts,
    api::{RequestOverride, RetryOverride},
};

/// Part of a run's configuration that a job needs. Every job carries it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "Received")]
pub struct JobConfig {
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub generation: Generation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// A Jinja template with `text`, `choices`, `id`, `meta` and the fields of `meta`. Without one, the prompt is the text with the lettered
    /// choices below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoring: Option<Scoring>,
    /// Set for a judge's run alone, which the dispatcher makes.
    #[cfg_attr(feature = "openapi", schema(ignore))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judging: Option<Box<Judging>>,
    /// Settings of the run that take precedence over the provider's and the workspace's.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    #[serde(skip_serializing_if = "RequestOverride::is_empty")]
    pub request: RequestOverride,
    #[cfg_attr(feature = "openapi", schema(required = false))]
    #[serde(skip_serializing_if = "RetryOverride::is_empty")]
    pub retry: RetryOverride,
    /// Other forms in which each item is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variation: Option<Variation>,
    /// Texts of the run that are stored. Default: `all`.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    #[serde(skip_serializing_if = "Texts::is_default")]
    pub texts: Texts,
}

impl JobConfig {
    /// Returns the strategy by which a sample of an item differs from the item as it stands.
    pub fn strategy(&self, sample: u32) -> Option<Strategy> {
        self.variation.as_ref().and_then(|variation| variation.strategy(sample))
    }

    /// Returns the same configuration with each number clamped to its range.
    #[must_use]
    pub(super) fn clamped(self) -> Self {
        Self { request: self.request.clamped(), retry: self.retry.clamped(), ..self }
    }
}

/// A job's configuration as it was received. Earlier releases sent two settings by their short names, unchecked.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Received {
    generation: Generation,
    system_prompt: Option<String>,
    prompt_template: Option<String>,
    scoring: Option<Scoring>,
    judging: Option<Box<Judging>>,
    timeout_seconds: Option<f64>,
    max_retries: Option<u32>,
    request: RequestOverride,
    retry: RetryOverride,
    variation: Option<Variation>,
    texts: Texts,
}

impl From<Received> for JobConfig {
    fn from(received: Received) -> Self {
        let Received {
            generation,
            system_prompt,
            prompt_template,
            scoring,
            judging,
            request,
            retry,
            variation,
            texts,
            ..
        } = received;
        let total_timeout_seconds = received.timeout_seconds.or(request.total_timeout_seconds);
        let max_retries = received.max_retries.or(retry.max_retries);
        Self {
            generation,
            system_prompt,
            prompt_template,
            scoring,
            judging,
            request: RequestOverride { total_timeout_seconds, ..request },
            retry: RetryOverride { max_retries, ..retry },
            variation: variation.filter(|variation| variation.enabled),
            texts,
        }
        .clamped()
    }
}
