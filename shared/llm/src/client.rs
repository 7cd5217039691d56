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

/// One request and its answer, by one version of a provider's settings.
pub(crate) type Wire = Timeout<Negotiate<Exchange>>;

/// Calls models of one provider, by its settings of the moment. Made by [`Factory::client`](crate::Factory::client).
pub struct Client {
    stack: Observe<Retry<Permit<Wiring<Wire>>>>,
}

impl Client {
    /// The stack, from the wire outwards.
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

    /// Asks until there is an answer or a reason to stop, and tells all that happened.
    ///
    /// Cancel safe: dropped, it ends the request in flight and gives its slot back. What was tried is then not
    /// told to anyone, and the provider may have done, and billed, what it was asked.
    pub async fn invoke(&self, request: &ChatRequest, policies: &dyn PolicySource) -> Invoked {
        self.invoke_until(request, policies, &Interrupts::default()).await
    }

    /// The same, unless it is interrupted.
    pub async fn invoke_until(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
    ) -> Invoked {
        self.stack.invoke(request, policies, interrupts).await
    }

    /// How the provider's keys stand.
    pub fn keys(&self) -> Vec<ExecutorKey> {
        self.wiring().now().keys.report()
    }

    /// Lets every key that was set aside be tried again at once.
    pub fn reset_key_breakers(&self) {
        self.wiring().now().keys.reset_breakers();
    }

    pub(crate) fn wiring(&self) -> &Wiring<Wire> {
        &self.stack.inner.inner.inner
    }
}
