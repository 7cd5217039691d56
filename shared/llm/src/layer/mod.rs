//! What surrounds a request: one behaviour each, decorators over two one-method traits.
//!
//! The order is the design. Outside of [`retry::Retry`] a layer sees a call ([`Invoke`]), inside it sees one
//! attempt ([`Attempt`]). The permit is inside of retry, so that a retry that sleeps holds no slot; the wiring is
//! inside of the permit, so that an attempt that waited goes out by the settings of the moment; the time-out is inside
//! of both, so that waiting for a slot is not the provider's time; what is negotiated with the provider is innermost,
//! so that it costs neither an attempt nor a wait.

pub(crate) mod exchange;
pub(crate) mod negotiate;
pub(crate) mod observe;
pub(crate) mod permit;
pub(crate) mod retry;
#[cfg(test)]
pub(crate) mod scripted;
pub(crate) mod timeout;
pub(crate) mod wiring;

use tokio::time::Instant;

use crate::{
    ChatRequest, ChatResponse, Interrupts, Invoked, ModelError, PolicySource, keys::Key, progress::Progress,
    protocol::Form,
};

/// A call, with all its attempts.
pub(crate) trait Invoke: Send + Sync {
    fn invoke(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
    ) -> impl Future<Output = Invoked> + Send;
}

/// One attempt at an answer.
pub(crate) trait Attempt: Send + Sync {
    /// Cancel safe: dropped, it ends the request and gives back what it holds.
    fn attempt(&self, cx: Context<'_>) -> impl Future<Output = Result<ChatResponse, ModelError>> + Send;
}

/// What an attempt needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub request: &'a ChatRequest,
    /// To be asked when the attempt starts: it may have waited for its slot.
    pub policies: &'a dyn PolicySource,
    /// Which attempt of the call this is, from 0.
    pub number: usize,
    pub form: Form,
    /// The policy's deadline on the clock that cannot be set.
    pub deadline: Option<Instant>,
    pub progress: &'a Progress,
    /// Chosen by [`wiring::Wiring`]: below it, always there.
    pub key: Option<&'a Key>,
}
