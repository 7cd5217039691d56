use std::sync::Arc;

use runmill_proto::api::ExecutorKey;
use runmill_quota::{Lane, RetryBudget};

use crate::{
    ChatRequest, DeltaSink, FactorySettings, Interrupts, Invoked, ModelError, PolicySource, Target,
    keys::Refusals,
    layer::{
        CallLayer,
        exchange::Exchange,
        negotiate::Negotiate,
        observe::{Metrics, Observe},
        permit::Permit,
        retry::Retry,
        timeout::Timeout,
        wiring::{Wired, Wiring},
    },
    protocol::left_out,
};

/// Layers of one request, for one version of a provider's settings.
pub(crate) type Wire = Timeout<Negotiate<Exchange>>;

/// Calls models of one provider, by its current settings. Made by [`Factory::client`](crate::Factory::client).
pub struct Client {
    stack: Observe<Retry<Permit<Wiring<Wire>>>>,
}

impl Client {
    /// Builds the stack from the exchange outwards.
    pub(crate) fn new(
        wired: Wired<Wire>,
        target: &Target,
        lane: Arc<Lane>,
        settings: &FactorySettings,
        metrics: Arc<Metrics>,
    ) -> Self {
        let FactorySettings { clock, random, prices, .. } = settings.clone();
        let stack = Permit { inner: Wiring::new(wired), lane, random: random.clone() };
        let stack = Retry { inner: stack, clock, random, budget: RetryBudget::default(), prices };
        let (provider_id, provider_kind) = (target.provider_id, target.kind.as_str());
        Self { stack: Observe { inner: stack, provider_id, provider_kind, metrics } }
    }

    /// Makes attempts until there is an answer or a reason to stop, and returns the result with all attempts.
    ///
    /// Cancel safe: dropping the future ends the request in flight and frees its slot. The attempts are then not
    /// recorded, although the provider may have answered and billed the request.
    pub async fn invoke(&self, request: &ChatRequest, policies: &dyn PolicySource) -> Invoked {
        self.invoke_until(request, policies, &Interrupts::default()).await
    }

    /// Like [`invoke`](Self::invoke), but the caller can interrupt the call.
    pub async fn invoke_until(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
    ) -> Invoked {
        self.stack.invoke(request, policies, interrupts, None).await
    }

    /// Like [`invoke_until`](Self::invoke_until), and gives `sink` the parts of the answer as they arrive. Together they
    /// are the whole answer. One that a provider does not stream is a single part.
    ///
    /// An attempt that fails after a part of its answer was given is the last: its error ends the call. Thinking inside of
    /// the answer's text stays there, as with [`ChatRequest::keep_thinking`].
    pub async fn invoke_streamed(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
        sink: &dyn DeltaSink,
    ) -> Invoked {
        self.stack.invoke(request, policies, interrupts, Some(sink)).await
    }

    /// Returns the names of the request's parameters that have no effect, because the provider's protocol or the model lacks
    /// them. Only parameters that tune an answer are left out.
    pub fn left_out(&self, request: &ChatRequest) -> Vec<&'static str> {
        let wired = self.wiring().now();
        let Timeout { inner: Negotiate { inner: Exchange { protocol, .. }, .. } } = &wired.inner;
        left_out(&**protocol, request)
    }

    /// Returns the state of the provider's keys.
    pub fn keys(&self) -> Vec<ExecutorKey> {
        self.wiring().now().keys.report()
    }

    /// Makes the circuit breaker of every key half-open, so that the next call probes the key.
    pub fn reset_key_breakers(&self) {
        self.wiring().now().keys.reset_breakers();
    }

    /// Returns the label of the key with which an attempt would begin now, or the reason why none is usable. A provider
    /// without keys has one without a label.
    pub fn next_key(&self) -> Result<String, ModelError> {
        let lease = self.wiring().now().keys.take(&Refusals::default()).map_err(|none| none.reason)?;
        Ok(lease.key().label.to_string())
    }

    pub(crate) fn wiring(&self) -> &Wiring<Wire> {
        &self.stack.inner.inner.inner
    }
}
