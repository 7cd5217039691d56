mod memory;

use std::sync::Arc;

use super::{AttemptLayer, Context};
use crate::{ChatResponse, Fix, ModelError, protocol::Form};

pub(crate) use memory::FormMemory;

/// Repeats a request at once in another form when the provider rejects its form, and remembers the form that was
/// accepted. All these requests count as one attempt.
pub(crate) struct Negotiate<A> {
    pub inner: A,
    /// Accepted forms, shared by all keys of the provider.
    pub memory: Arc<FormMemory>,
}

/// Maximum number of requests of an attempt: the first, one without stream options, one with the other token limit,
/// and one buffered. There are no other forms.
const REQUESTS_MAX: usize = 4;

impl<A: AttemptLayer> AttemptLayer for Negotiate<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let mut negotiation = Negotiation::start(&self.memory, cx);
        let mut left = REQUESTS_MAX;
        loop {
            left -= 1;
            match self.inner.attempt(Context { form: negotiation.form, ..cx }).await {
                Err(ModelError::Rejected { fix, message })
                    if left > 0 && negotiation.form.with(fix) != negotiation.form =>
                {
                    negotiation.form = negotiation.form.with(fix);
                    negotiation.reason = message;
                }
                settled => return settled,
            }
        }
    }
}

/// The search for a form that the provider accepts, within one attempt.
struct Negotiation<'a> {
    memory: &'a FormMemory,
    cx: Context<'a>,
    /// Form of the first request.
    initial: Form,
    /// Form of the last request.
    form: Form,
    /// The provider's message for the last rejection.
    reason: String,
}

impl<'a> Negotiation<'a> {
    fn start(memory: &'a FormMemory, cx: Context<'a>) -> Self {
        let initial = memory.form(cx.request);
        Self { memory, cx, initial, form: initial, reason: String::new() }
    }

    /// Returns true if another form than the first was accepted, which the head of a successful answer proves. A
    /// rejection alone does not prove it: it may have had other causes.
    fn is_changed(&self) -> bool {
        self.form != self.initial && self.cx.tracker.state().status.is_some_and(|it| (200..300).contains(&it))
    }

    fn remember(&self) {
        let request = self.cx.request;
        // Several calls in flight may find the same form. Only the first of them logs it.
        if self.memory.store(request, self.form) {
            let Form { stream, stream_options, other_token_limit } = self.form;
            tracing::info!(
                event = "model.form_changed",
                model = request.model,
                tools = !request.generation.tools.is_empty(),
                stream,
                stream_options,
                other_token_limit,
                reason = self.reason,
                "the provider wants requests in another form"
            );
        }
    }
}

/// Remembers an accepted form in whatever way the attempt ends, also if a time-out drops it.
impl Drop for Negotiation<'_> {
    fn drop(&mut self) {
        if self.is_changed() {
            self.remember();
        }
    }
}

impl Form {
    /// Returns this form with `fix` applied. The result is equal if it was already applied.
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
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::layer::scripted::{Act, Scripted, ask, policy, secs};

    const PLAIN: Form = Form { stream: true, stream_options: false, other_token_limit: false };
    const BUFFERED: Form = Form { stream: false, stream_options: true, other_token_limit: false };

    fn rejected(fix: Fix) -> Vec<Act> {
        vec![Act::Head(400), Act::Fail(ModelError::Rejected { fix, message: "no".into() })]
    }

    fn answered() -> Vec<Act> {
        vec![Act::Head(200), Act::Answer]
    }

    fn negotiate(scripts: impl IntoIterator<Item = Vec<Act>>) -> Negotiate<Scripted> {
        Negotiate { inner: Scripted::new(scripts), memory: Arc::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_form_is_changed_at_once_and_remembered() {
        let table = [(Fix::Buffer, BUFFERED), (Fix::OmitStreamOptions, PLAIN)];
        for (fix, want) in table {
            let layer = negotiate([rejected(fix), answered(), answered()]);

            ask(&layer, &policy()).await.unwrap();
            ask(&layer, &policy()).await.unwrap();

            assert_eq!(layer.inner.forms(), [Form::default(), want, want]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_forgotten_in_time() {
        let layer = negotiate([rejected(Fix::Buffer), answered(), answered()]);
        ask(&layer, &policy()).await.unwrap();

        advance(secs(3601)).await;
        ask(&layer, &policy()).await.unwrap();

        assert_eq!(layer.inner.forms(), [Form::default(), BUFFERED, Form::default()]);
    }

    #[tokio::test(start_paused = true)]
    async fn fixes_add_up_and_all_are_remembered() {
        let fixes = [Fix::OmitStreamOptions, Fix::OtherTokenLimit, Fix::Buffer];
        let layer = negotiate(fixes.map(rejected).into_iter().chain([answered(), answered()]));

        ask(&layer, &policy()).await.unwrap();
        ask(&layer, &policy()).await.unwrap();

        let other_limit = Form { other_token_limit: true, ..PLAIN };
        let all = Form { stream: false, ..other_limit };
        assert_eq!(layer.inner.forms(), [Form::default(), PLAIN, other_limit, all, all]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_call_has_found_is_remembered_though_it_is_dropped() {
        let layer = negotiate([rejected(Fix::Buffer), vec![Act::Head(200), Act::Wait(99)], answered()]);

        let dropped = timeout(secs(1), ask(&layer, &policy())).await;
        ask(&layer, &policy()).await.unwrap();

        assert!(dropped.is_err());
        assert_eq!(layer.inner.forms(), [Form::default(), BUFFERED, BUFFERED]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_that_is_not_accepted_either_is_not_remembered() {
        let failed = ModelError::InvalidRequest { status: 404, message: "no such model".into() };
        for unaccepted in [vec![Act::Head(404), Act::Fail(failed)], vec![Act::Wait(99)]] {
            let layer = negotiate([rejected(Fix::Buffer), unaccepted, answered()]);

            let _ = timeout(secs(1), ask(&layer, &policy())).await;
            ask(&layer, &policy()).await.unwrap();

            assert_eq!(layer.inner.forms(), [Form::default(), BUFFERED, Form::default()]);
        }
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
