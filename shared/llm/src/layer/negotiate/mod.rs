mod memory;

use std::sync::Arc;

use super::{Attempt, Context};
use crate::{ChatRequest, ChatResponse, Fix, ModelError, protocol::Form};

pub(crate) use memory::Memory;

/// Asks again at once, in the form that the provider wants, when it rejects the form of a request; and
/// remembers what it wanted. This is one attempt, however many requests it takes.
pub(crate) struct Negotiate<A> {
    pub inner: A,
    /// Of the provider, whatever key is used.
    pub memory: Arc<Memory>,
}

/// Without stream options, with the other token limit, and buffered: no provider has cause for more.
const REQUESTS_MAX: usize = 4;

impl<A: Attempt> Attempt for Negotiate<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let known = self.memory.form(cx.request);
        let mut form = known;
        let mut reason = String::new();
        for _ in 1..REQUESTS_MAX {
            match self.inner.attempt(Context { form, ..cx }).await {
                Err(ModelError::Rejected { fix, message }) if form.with(fix) != form => {
                    form = form.with(fix);
                    reason = message;
                }
                settled => {
                    if form != known {
                        self.learn(cx.request, form, &reason);
                    }
                    return settled;
                }
            }
        }
        self.inner.attempt(Context { form, ..cx }).await
    }
}

impl<A> Negotiate<A> {
    fn learn(&self, request: &ChatRequest, form: Form, reason: &str) {
        // Calls in flight at the same time learn the same; one line is enough.
        if self.memory.learn(request, form) {
            let Form { stream, stream_options, other_token_limit } = form;
            tracing::info!(
                event = "model.form_changed",
                model = request.model,
                tools = !request.generation.tools.is_empty(),
                stream,
                stream_options,
                other_token_limit,
                reason,
                "the provider wants requests in another form"
            );
        }
    }
}

impl Form {
    /// This form with `fix` applied; the same, if it already was.
    fn with(self, fix: Fix) -> Self {
        match fix {
            Fix::Buffer => Self { stream: false, ..self },
            Fix::Stream => Self { stream: true, ..self },
            Fix::OmitStreamOptions => Self { stream_options: false, ..self },
            Fix::OtherTokenLimit => Self { other_token_limit: true, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::layer::scripted::{Act, Scripted, ask, policy, secs};

    const PLAIN: Form = Form { stream: true, stream_options: false, other_token_limit: false };
    const BUFFERED: Form = Form { stream: false, stream_options: true, other_token_limit: false };

    fn rejected(fix: Fix) -> Vec<Act> {
        vec![Act::Fail(ModelError::Rejected { fix, message: "no".into() })]
    }

    fn negotiate(scripts: impl IntoIterator<Item = Vec<Act>>) -> Negotiate<Scripted> {
        Negotiate { inner: Scripted::new(scripts), memory: Arc::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_form_is_changed_at_once_and_remembered() {
        let table = [(Fix::Buffer, BUFFERED), (Fix::OmitStreamOptions, PLAIN)];
        for (fix, want) in table {
            let layer = negotiate([rejected(fix), vec![Act::Answer], vec![Act::Answer]]);

            ask(&layer, &policy()).await.unwrap();
            ask(&layer, &policy()).await.unwrap();

            assert_eq!(layer.inner.forms(), [Form::default(), want, want]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_forgotten_in_time() {
        let layer = negotiate([rejected(Fix::Buffer), vec![Act::Answer], vec![Act::Answer]]);
        ask(&layer, &policy()).await.unwrap();

        advance(secs(3601)).await;
        ask(&layer, &policy()).await.unwrap();

        assert_eq!(layer.inner.forms(), [Form::default(), BUFFERED, Form::default()]);
    }

    #[tokio::test(start_paused = true)]
    async fn fixes_add_up() {
        let layer = negotiate([rejected(Fix::OmitStreamOptions), rejected(Fix::Buffer), vec![Act::Answer]]);

        ask(&layer, &policy()).await.unwrap();

        let both = Form { stream: false, ..PLAIN };
        assert_eq!(layer.inner.forms(), [Form::default(), PLAIN, both]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_rejects_every_form_is_not_asked_for_ever() {
        let fixes = [Fix::Buffer, Fix::Stream, Fix::Buffer, Fix::Stream];
        let layer = negotiate(fixes.map(rejected));

        let error = ask(&layer, &policy()).await.unwrap_err();

        assert!(matches!(error, ModelError::Rejected { .. }), "{error:?}");
        assert_eq!(layer.inner.forms().len(), REQUESTS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_that_is_rejected_although_it_is_as_asked_is_an_error() {
        let layer = negotiate([rejected(Fix::Buffer), rejected(Fix::Buffer)]);

        assert!(ask(&layer, &policy()).await.is_err());

        assert_eq!(layer.inner.forms(), [Form::default(), BUFFERED]);
    }
}
