mod metrics;

use std::sync::Arc;

use runmill_proto::{ErrorKind, Outcome, ProviderId};
use tracing::Instrument;

pub(crate) use metrics::Metrics;

use super::Invoke;
use crate::{ChatRequest, Interrupts, Invoked, PolicySource, Unanswered, invoked::milliseconds};

/// Leaves one log line and the metrics of each call, inside a span of its own. Neither prompts nor answers nor
/// headers are in any of them.
pub(crate) struct Observe<I> {
    pub inner: I,
    pub provider_id: ProviderId,
    /// As users write it.
    pub provider_kind: &'static str,
    pub metrics: Arc<Metrics>,
}

impl<I: Invoke> Invoke for Observe<I> {
    async fn invoke(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
    ) -> Invoked {
        let span = tracing::info_span!(
            "model.invoke",
            provider_id = %self.provider_id,
            provider_kind = self.provider_kind,
            model = request.model,
            call_id = request.call_id,
        );
        let invoked = self.inner.invoke(request, policies, interrupts).instrument(span.clone()).await;
        span.in_scope(|| self.log(request, &invoked));
        self.metrics.count(self.provider_id, &request.model, &invoked);
        invoked
    }
}

impl<I> Observe<I> {
    // The names are those that the platform's dashboards search for.
    fn log(&self, request: &ChatRequest, invoked: &Invoked) {
        let usage = invoked.usage;
        tracing::info!(
            event = "model.invocation",
            provider_id = %self.provider_id,
            model = request.model,
            retry_count = invoked.attempts.len().saturating_sub(1),
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

fn outcome(invoked: &Invoked) -> &'static str {
    match &invoked.result {
        Ok(response) => response.outcome().as_str(),
        Err(Unanswered::Failed(_)) => Outcome::Failed.as_str(),
        // Not an end of the job, so not one of its outcomes.
        Err(Unanswered::Deferred { .. } | Unanswered::LaneStopped { .. }) => "deferred",
        Err(Unanswered::Interrupted) => "interrupted",
    }
}

fn error_kind(invoked: &Invoked) -> Option<ErrorKind> {
    invoked.result.as_ref().err().map(|unanswered| unanswered.error().kind())
}
