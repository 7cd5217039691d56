//! The layers around an HTTP request. Each is a decorator with one behaviour, over one of two traits with one method.
//!
//! Their order matters. Layers outside of [`retry::Retry`] handle a whole call ([`CallLayer`]), layers inside of it
//! handle one attempt ([`AttemptLayer`]). The permit is inside of retry, so that a call holds no slot while it waits
//! to retry. The wiring is inside of the permit, so that an attempt that waited for a slot uses the newest settings.
//! The time-out is inside of both, so that the wait for a slot does not count as the provider's time. The negotiation
//! of the request's form is inside of all of these, so that it costs neither an attempt nor a wait.

pub(crate) mod exchange;
pub(crate) mod negotiate;
pub(crate) mod observe;
pub(crate) mod permit;
pub(crate) mod retry;
#[cfg(test)]
pub(crate) mod scripted;
pub(crate) mod timeout;
pub(crate) mod wiring;

use runmill_quota::Lane;
use tokio::time::Instant;

use crate::{
    ChatRequest, ChatResponse, DeltaSink, Interrupts, Invoked, ModelError, PolicySource,
    keys::{Key, Refusals},
    protocol::Form,
    tracker::AttemptTracker,
};

/// Makes a call, with all its attempts.
pub(crate) trait CallLayer: Send + Sync {
    /// * `sink`: taker of the parts of the answer as they arrive, if somebody waits for them.
    fn invoke(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
        sink: Option<&dyn DeltaSink>,
    ) -> impl Future<Output = Invoked> + Send;
}

/// Makes one attempt of a call.
pub(crate) trait AttemptLayer: Send + Sync {
    /// Cancel safe: dropping the future ends the request, and releases the slot and the key.
    fn attempt(&self, cx: Context<'_>) -> impl Future<Output = Result<ChatResponse, ModelError>> + Send;
}

/// Inputs of an attempt.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub request: &'a ChatRequest,
    /// Source of the policy. It is read when the attempt has its slot, because settings may change while it waits.
    pub policies: &'a dyn PolicySource,
    /// Number of the attempt within the call, from 0.
    pub number: usize,
    pub form: Form,
    /// Deadline of the policy, on the monotonic clock.
    pub deadline: Option<Instant>,
    pub tracker: &'a AttemptTracker,
    /// Refusals of the call's earlier attempts.
    pub refusals: &'a Refusals,
    /// Admission of the attempt, for the layers below [`permit::Permit`]; `None` above it, and if the provider has
    /// several keys: what it says of its limits is then true of one key only.
    pub admitted: Option<Admitted<'a>>,
    /// Taker of the parts of the answer as they arrive.
    pub sink: Option<&'a dyn DeltaSink>,
    /// Key of the attempt. [`wiring::Wiring`] chooses it for the layers below; `None` above it.
    pub key: Option<&'a Key>,
}

/// Lane of an admitted attempt, and the number of tokens that are reserved for it.
#[derive(Clone, Copy)]
pub(crate) struct Admitted<'a> {
    pub lane: &'a Lane,
    pub tokens: u64,
}
