use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use prometheus::{CounterVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use runmill_proto::ProviderId;

use crate::{Invoked, Unanswered};

/// Metrics of model calls. The platform's dashboards use the names and labels of the `litellm_` metrics, so a change
/// here breaks them.
pub(crate) struct Metrics {
    requests: IntCounterVec,
    latency: HistogramVec,
    tokens: IntCounterVec,
    cost: CounterVec,
    models: Models,
}

/// Upper bounds of the buckets in seconds, from a cached answer of a small model to the default time limit of an
/// attempt.
const LATENCY_BUCKETS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];

impl Metrics {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let labels = ["provider_id", "model", "status"];
        let requests = Opts::new("litellm_requests_total", "Calls to models, by how they ended.");
        let latency = HistogramOpts::new(
            "litellm_request_latency_seconds",
            "Time of a call to a model, retries and the waits between them included.",
        );
        let tokens = Opts::new("litellm_tokens_total", "Tokens as providers counted them, by kind.");
        let cost = Opts::new("runmill_model_cost_usd_total", "What calls cost, as far as prices are known.");
        let metrics = Self {
            requests: IntCounterVec::new(requests, &labels)?,
            latency: HistogramVec::new(latency.buckets(LATENCY_BUCKETS.to_vec()), &labels)?,
            tokens: IntCounterVec::new(tokens, &["provider_id", "model", "status", "kind"])?,
            cost: CounterVec::new(cost, &["provider_id", "model"])?,
            models: Models::default(),
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.latency.clone()))?;
        registry.register(Box::new(metrics.tokens.clone()))?;
        registry.register(Box::new(metrics.cost.clone()))?;
        Ok(metrics)
    }

    /// Counts attempts that did not reach the provider.
    pub fn count_unreached(&self, provider_id: ProviderId, model: &str, attempts: u64) {
        let labels = [&provider_id.to_string(), self.models.label(model), UNREACHED];
        self.requests.with_label_values(&labels).inc_by(attempts);
    }

    pub fn count(&self, provider_id: ProviderId, model: &str, invoked: &Invoked) {
        let provider_id = provider_id.to_string();
        let model = self.models.label(model);
        let status = status(invoked);
        let labels = [provider_id.as_str(), model, status];
        self.requests.with_label_values(&labels).inc();
        self.latency.with_label_values(&labels).observe(invoked.latency.as_secs_f64());
        if let Some(cost) = invoked.cost_usd() {
            self.cost.with_label_values(&labels[..2]).inc_by(cost);
        }
        let Some(usage) = invoked.usage else { return };
        for (kind, count) in [
            ("prompt", usage.prompt_tokens),
            ("completion", usage.completion_tokens),
            ("cached", usage.cached_tokens),
            ("reasoning", usage.reasoning_tokens),
        ] {
            self.tokens.with_label_values(&[labels[0], model, status, kind]).inc_by(count);
        }
    }
}

/// Status of an attempt that did not reach the provider, and is no call.
const UNREACHED: &str = "unreached";

fn status(invoked: &Invoked) -> &'static str {
    match invoked.result {
        Ok(_) => "success",
        Err(Unanswered::Failed(_)) => "error",
        Err(Unanswered::Deferred { .. } | Unanswered::LaneStopped { .. }) => "deferred",
        Err(Unanswered::Interrupted) => "interrupted",
    }
}

/// Models that have a label value of their own. Users choose models' names, so their number needs a bound.
#[derive(Default)]
struct Models(Mutex<HashSet<String>>);

const MODELS_MAX: usize = 500;
const OTHER_MODELS: &str = "other";

impl Models {
    fn label<'a>(&self, model: &'a str) -> &'a str {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(model) {
            return model;
        }
        if known.len() >= MODELS_MAX {
            return OTHER_MODELS;
        }
        known.insert(model.to_owned());
        model
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use prometheus::TextEncoder;
    use runmill_proto::Usage;
    use uuid::Uuid;

    use super::*;
    use crate::{ModelError, layer::scripted::four};

    fn invoked(result: Result<(), Unanswered>) -> Invoked {
        Invoked {
            attempts: Vec::new(),
            usage: Some(Usage {
                prompt_tokens: 7,
                completion_tokens: 5,
                cached_tokens: 3,
                reasoning_tokens: 2,
                ..Usage::default()
            }),
            started_at: Timestamp::UNIX_EPOCH,
            latency: Duration::from_millis(200),
            ttft: None,
            failures: 0,
            streamed: true,
            result: result.map(|()| four()),
        }
    }

    #[test]
    fn names_and_labels_are_the_platforms() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        let provider = ProviderId::from_uuid(Uuid::nil());
        let failed = Unanswered::Failed(ModelError::TruncatedStream);
        metrics.count(provider, "m", &invoked(Ok(())));
        metrics.count(provider, "m", &invoked(Err(failed)));

        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();

        let labels = |status| format!(r#"model="m",provider_id="{provider}",status="{status}"}}"#);
        for line in [
            format!("litellm_requests_total{{{} 1", labels("success")),
            format!("litellm_requests_total{{{} 1", labels("error")),
            format!("litellm_request_latency_seconds_count{{{} 1", labels("success")),
            format!("litellm_tokens_total{{kind=\"prompt\",{} 7", labels("success")),
            format!("litellm_tokens_total{{kind=\"completion\",{} 5", labels("success")),
            format!("litellm_tokens_total{{kind=\"cached\",{} 3", labels("error")),
            format!("litellm_tokens_total{{kind=\"reasoning\",{} 2", labels("success")),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_number_of_model_labels_is_bounded() {
        let models = Models::default();
        for n in 0..MODELS_MAX {
            let name = n.to_string();
            assert_eq!(models.label(&name), name);
        }
        assert_eq!(models.label("one more"), OTHER_MODELS);
        assert_eq!(models.label("7"), "7");
    }
}
