use std::sync::Arc;

use runmill_quota::Gate;

use crate::{
    CallPolicy, ChatRequest, Clock, Interrupts, Invoked, Random, Target,
    layer::{
        Invoke,
        exchange::Exchange,
        negotiate::{Memory, Negotiate},
        observe::{Metrics, Observe},
        permit::Permit,
        retry::Retry,
        timeout::Timeout,
    },
};

/// Calls models of one provider with one key. Made by [`Factory::client`](crate::Factory::client).
pub struct Client {
    stack: Observe<Retry<Permit<Timeout<Negotiate<Exchange>>>>>,
}

impl Client {
    /// The stack, from the wire outwards.
    pub(crate) fn new(
        exchange: Exchange,
        target: &Target,
        gate: Arc<Gate>,
        (clock, random): (Clock, Random),
        metrics: Arc<Metrics>,
    ) -> Self {
        let stack = Negotiate { inner: exchange, memory: Memory::default() };
        let stack = Timeout { inner: stack };
        let stack = Permit { inner: stack, gate };
        let stack = Retry { inner: stack, clock, random };
        Self { stack: Observe { inner: stack, provider_id: target.provider_id, metrics } }
    }

    /// Asks until there is an answer or a reason to stop, and tells all that happened.
    ///
    /// Cancel safe: dropped, it ends the request in flight and gives its slot back. What was tried is then not
    /// told to anyone, and the provider may have done, and billed, what it was asked.
    pub async fn invoke(&self, request: &ChatRequest, policy: &CallPolicy) -> Invoked {
        self.invoke_until(request, policy, &Interrupts::default()).await
    }

    /// The same, unless it is interrupted.
    pub async fn invoke_until(
        &self,
        request: &ChatRequest,
        policy: &CallPolicy,
        interrupts: &Interrupts,
    ) -> Invoked {
        self.stack.invoke(request, policy, interrupts).await
    }
}
