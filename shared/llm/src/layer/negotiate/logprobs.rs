use runmill_proto::Fix;
use tokio::time::timeout_at;

use super::{Negotiate, negotiation::Negotiation};
use crate::{
    ChatResponse, Metered,
    layer::{AttemptLayer, Context},
};

impl<A: AttemptLayer> Negotiate<A> {
    /// Returns true if log probabilities were requested, the streamed answer has none, and a buffered one has not
    /// been requested for them yet. Some servers put them in buffered answers only. An answer of which parts were told
    /// stays without.
    pub(super) fn seeks_logprobs(&self, negotiation: &mut Negotiation<'_>, answer: &ChatResponse) -> bool {
        let cx = negotiation.cx;
        self.has_logprobs
            && cx.request.generation.wants_logprobs()
            && answer.logprobs.is_none()
            && !answer.text.is_empty()
            && negotiation.form.streams()
            && cx.sink.is_none()
            && cx.tracker.state().streamed
            && negotiation.seeks_logprobs()
    }

    /// Requests the answer once more, buffered, and returns it if it has log probabilities; the form is then
    /// remembered. Otherwise returns the streamed answer. Either counts the tokens of both.
    pub(super) async fn with_logprobs(
        &self,
        negotiation: &mut Negotiation<'_>,
        streamed: ChatResponse,
    ) -> ChatResponse {
        let cx = negotiation.cx;
        let state = cx.tracker.state();
        let end = state.began.expect("the attempt has begun") + cx.policies.policy().total;
        let form = negotiation.form.with(Fix::Buffered);
        // The time-out is here, because the attempt's own would discard the streamed answer.
        let answer = timeout_at(end, self.inner.attempt(Context { form, ..cx })).await;
        let answer = answer.ok().and_then(Result::ok);
        let second = answer.as_ref().map_or_else(|| cx.tracker.state().usage, ChatResponse::metered);
        let Metered { usage, billing } = streamed.metered().and(second);
        match answer {
            Some(buffered) if buffered.logprobs.is_some() => {
                negotiation.form = form;
                "streamed answers have no log probabilities".clone_into(&mut negotiation.reason);
                ChatResponse { usage, billing, ..buffered }
            }
            _ => {
                cx.tracker.restore(state);
                ChatResponse { usage, billing, ..streamed }
            }
        }
    }
}
