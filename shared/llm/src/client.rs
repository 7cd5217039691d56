use std::sync::Arc;

use runmill_proto::api::ExecutorKey;
use runmill_quota::{Lane, RetryBudget};

use crate::{
    ChatRequest, FactorySettings, Interrupts, Invoked, PolicySource, Target,
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
};

/// The layers of one request, by one version of a provider's settings.
pub(crate) type Wire = Timeout<Negotiate<Exchange>>;

/// Calls models of one provider, by its settings of the moment. Made by [`Factory::client`](crate::Factory::client).
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
        let stack = Permit { inner: Wiring::new(wired), lane };
        let FactorySettings { clock, random, prices, .. } = settings.clone();
        let stack = Retry { inner: stack, clock, random, budget: RetryBudget::default(), prices };
        let (provider_id, provider_kind) = (target.provider_id, target.kind.as_str());
        Self { stack: Observe { inner: stack, provider_id, provider_kind, metrics } }
    }

    /// Calls the model until there is an answer or a reason to stop, and returns all attempts.
    ///
    /// Cancel safe: dropped, it ends the request in flight and gives its slot back. The attempts are then not recorded,
    /// and the provider may have done, and billed, the request.
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
        self.stack.invoke(request, policies, interrupts).await
    }

    /// State of the provider's keys.
    pub fn keys(&self) -> Vec<ExecutorKey> {
        self.wiring().now().keys.report()
    }

    /// Makes the circuit breaker of every key half-open: the next call tries it.
    pub fn reset_key_breakers(&self) {
        self.wiring().now().keys.reset_breakers();
    }

    pub(crate) fn wiring(&self) -> &Wiring<Wire> {
        &self.stack.inner.inner.inner
    }
}
