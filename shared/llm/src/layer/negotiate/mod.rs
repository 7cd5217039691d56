mod kind;
mod logprobs;
mod memory;
mod negotiation;

use std::{pin::pin, sync::Arc};

use runmill_proto::Fix;

use self::negotiation::Negotiation;
use super::{AttemptLayer, Context};
use crate::{ChatResponse, ModelError};

pub(crate) use memory::FormMemory;

/// Repeats a request at once in another form when the provider refuses its form, and remembers the form that was
/// accepted. All these requests count as one attempt. While a model's form is not known, one call finds it, and the
/// others wait for that call.
pub(crate) struct Negotiate<A> {
    pub inner: A,
    /// Accepted forms, shared by all keys of the provider.
    pub memory: Arc<FormMemory>,
    /// True if the protocol has log probabilities.
    pub has_logprobs: bool,
}

/// Maximum number of requests of an attempt. A refusal names all parameters that it is about, or the first of them, so
/// that few requests are needed.
const REQUESTS_MAX: usize = 8;

impl<A: AttemptLayer> AttemptLayer for Negotiate<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let mut negotiation = Negotiation::start(&self.memory, cx).await;
        let mut answer = self.negotiate(&mut negotiation).await;
        let mut form = negotiation.form;
        if matches!(answer, Err(ModelError::EmptyStream)) && form.streams() {
            // Some servers tell an error only in a buffered answer. This says nothing of the model's other answers,
            // so the form is not remembered.
            form = form.with(Fix::Buffered);
            answer = self.inner.attempt(Context { form, ..cx }).await;
            if matches!(answer, Err(ModelError::Rejected { .. } | ModelError::Malformed { .. })) {
                answer = Err(ModelError::EmptyStream);
            }
        }
        let mut response = answer?;
        if self.seeks_logprobs(&mut negotiation, &response) {
            response = Box::pin(self.with_logprobs(&mut negotiation, response)).await;
            form = negotiation.form;
        }
        response.remarks.fixes = form.beyond(cx.request.form).fixes().collect();
        Ok(response)
    }
}

impl<A: AttemptLayer> Negotiate<A> {
    /// Makes requests until one is not refused for its form.
    async fn negotiate(&self, negotiation: &mut Negotiation<'_>) -> Result<ChatResponse, ModelError> {
        let mut left = REQUESTS_MAX;
        loop {
            left -= 1;
            match self.request(negotiation).await {
                Err(ModelError::Rejected { form, message })
                    if left > 0 && form != negotiation.form && !negotiation.has_delivered() =>
                {
                    negotiation.form = form;
                    negotiation.reason = message;
                }
                settled => return settled,
            }
        }
    }

    /// Makes one request. A scout's form is remembered as soon as it is accepted, so that the calls that wait go on.
    async fn request(&self, negotiation: &mut Negotiation<'_>) -> Result<ChatResponse, ModelError> {
        let cx = negotiation.cx;
        let mut answer = pin!(self.inner.attempt(Context { form: negotiation.form, ..cx }));
        // A stream shows only at its end that it has no log probabilities.
        if negotiation.is_scout() && !cx.request.generation.wants_logprobs() {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = cx.tracker.accepted() => negotiation.remember(),
            }
        }
        answer.await
    }
}

#[cfg(test)]
mod tests;
