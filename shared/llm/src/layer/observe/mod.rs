mod metrics;

use std::sync::Arc;

use runmill_proto::{ErrorKind, Outcome, ProviderId};
use tracing::Instrument;

pub(crate) use metrics::Metrics;

use super::CallLayer;
use crate::{ChatRequest, DeltaSink, Interrupts, Invoked, PolicySource, Unanswered, invoked::milliseconds};

/// Writes one log line and the metrics of each call that made a request, inside a span of its own. None of them
/// contains a prompt, an answer or a header.
pub(crate) struct Observe<I> {
    pub inner: I,
    pub provider_id: ProviderId,
    /// Kind of the provider, as users write it in its settings.
    pub provider_kind: &'static str,
    pub metrics: Arc<Metrics>,
}

impl<I: CallLayer> CallLayer for Observe<I> {
    async fn invoke(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
        sink: Option<&dyn DeltaSink>,
    ) -> Invoked {
        let span = tracing::info_span!(
            "model.invoke",
            provider_id = %self.provider_id,
            provider_kind = self.provider_kind,
            model = request.model,
            call_id = request.call_id,
        );
        let invoked = self.inner.invoke(request, policies, interrupts, sink).instrument(span.clone()).await;
        let requests = invoked.requests();
        let unreached = invoked.attempts.len() - requests;
        if unreached > 0 {
            self.metrics.count_unreached(self.provider_id, &request.model, unreached as u64);
        }
        // A call without a request is not counted, because a stopped lane would look like many fast failures.
        if requests == 0 {
            span.in_scope(|| log_uncalled(request, &invoked));
            return invoked;
        }
        span.in_scope(|| self.log(request, &invoked));
        self.metrics.count(self.provider_id, &request.model, &invoked);
        invoked
    }
}

impl<I> Observe<I> {
    // Logs the call. The platform's dashboards search for the names of the fields.
    fn log(&self, request: &ChatRequest, invoked: &Invoked) {
        let usage = invoked.usage;
        tracing::info!(
            event = "model.invocation",
            provider_id = %self.provider_id,
            model = request.model,
            retry_count = invoked.requests().saturating_sub(1),
            latency_ms = milliseconds(invoked.latency),
            ttft_ms = invoked.ttft.map(milliseconds),
            streamed = invoked.streamed,
            outcome = outcome(invoked),
            error_kind = error_kind(invoked).map(ErrorKind::as_str),
            prompt_tokens = usage.map(|usage| usage.prompt_tokens),
            completion_tokens = usage.map(|usage| usage.completion_tokens),
            cached_tokens = usage.map(|usage| usage.cached_tokens),
            reasoning_tokens = usage.map(|usage| usage.reasoning_tokens),
            "a model was called"
        );
    }
}

fn log_uncalled(request: &ChatRequest, invoked: &Invoked) {
    tracing::debug!(
        event = "model.not_called",
        model = request.model,
        outcome = outcome(invoked),
        error_kind = error_kind(invoked).map(ErrorKind::as_str),
        "the call ended before a request was made"
    );
}

fn outcome(invoked: &Invoked) -> &'static str {
    match &invoked.result {
        Ok(response) => response.outcome().as_str(),
        Err(Unanswered::Failed(_)) => Outcome::Failed.as_str(),
        // A deferred job has not ended, so `Outcome` has no name for it.
        Err(Unanswered::Deferred { .. } | Unanswered::LaneStopped { .. }) => "deferred",
        Err(Unanswered::Interrupted) => "interrupted",
    }
}

fn error_kind(invoked: &Invoked) -> Option<ErrorKind> {
    invoked.result.as_ref().err().map(|unanswered| unanswered.error().kind())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use prometheus::{Registry, TextEncoder};
    use runmill_proto::message::Attempt;
    use uuid::Uuid;

    use super::*;
    use crate::{
        ModelError,
        layer::scripted::{policy, request},
    };

    /// Simulates a call that made this many requests before its lane stopped.
    struct Stopped {
        requests: usize,
        unsent: bool,
    }

    impl CallLayer for Stopped {
        async fn invoke(
            &self,
            _: &ChatRequest,
            _: &dyn PolicySource,
            _: &Interrupts,
            _: Option<&dyn DeltaSink>,
        ) -> Invoked {
            let error = ModelError::Authentication { message: "no".into() };
            let attempt = Attempt {
                started_at: Timestamp::UNIX_EPOCH,
                latency_ms: 5,
                status: Some(401),
                error_kind: Some(error.kind()),
                error: None,
                usage: None,
                cost_nanousd: None,
                cost_unknown: None,
                key: None,
                unsent: self.unsent,
            };
            Invoked {
                attempts: vec![attempt; self.requests],
                usage: None,
                started_at: Timestamp::UNIX_EPOCH,
                latency: Duration::ZERO,
                ttft: None,
                failures: 0,
                streamed: false,
                result: Err(Unanswered::LaneStopped { after: Duration::ZERO, error }),
            }
        }
    }

    async fn metrics_of(inner: Stopped) -> String {
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::register(&registry).unwrap());
        let provider_id = ProviderId::from_uuid(Uuid::nil());
        let observe = Observe { inner, provider_id, provider_kind: "custom", metrics };

        observe.invoke(&request(), &policy(), &Interrupts::default(), None).await;

        TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[tokio::test]
    async fn a_call_without_a_request_is_not_counted() {
        for requests in [0, 1] {
            let text = metrics_of(Stopped { requests, unsent: false }).await;
            assert_eq!(text.contains("litellm_"), requests > 0, "{text}");
        }
    }

    #[tokio::test]
    async fn attempts_that_did_not_reach_the_provider_are_counted_apart() {
        let text = metrics_of(Stopped { requests: 3, unsent: true }).await;

        let counted: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(counted.len() == 1 && counted[0].ends_with("status=\"unreached\"} 3"), "{text}");
    }
}
