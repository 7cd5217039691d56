use std::sync::Mutex;

use runmill_proto::{Generation, TokenLogprob, Usage};

use super::*;
use crate::{
    ChatRequest,
    keys::Refusals,
    layer::scripted::{four, request},
    tracker::{AttemptState, AttemptTracker},
};

/// A server that sends nothing where a stream is requested, or log probabilities in buffered answers only.
struct Server {
    streamed: Result<ChatResponse, ModelError>,
    buffered: Result<ChatResponse, ModelError>,
    seen: Mutex<Vec<Form>>,
}

impl AttemptLayer for Server {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        self.seen.lock().unwrap().push(cx.form);
        cx.tracker.began();
        cx.tracker.sent(cx.form.streams());
        let answer = if cx.form.streams() { &self.streamed } else { &self.buffered };
        let status = if matches!(answer, Err(ModelError::ContextLength { .. })) { 400 } else { 200 };
        cx.tracker.answered(status, cx.form.streams());
        answer.clone()
    }
}

fn server(
    streamed: Result<ChatResponse, ModelError>,
    buffered: Result<ChatResponse, ModelError>,
) -> Negotiate<Server> {
    let inner = Server { streamed, buffered, seen: Mutex::default() };
    Negotiate { inner, memory: Arc::default(), has_logprobs: true }
}

/// Returns an answer of three tokens.
fn answer(logprobs: Option<Vec<TokenLogprob>>) -> ChatResponse {
    let usage = Usage { prompt_tokens: 2, completion_tokens: 1, ..Usage::default() };
    ChatResponse { logprobs, usage: Some(usage), ..four() }
}

/// Asks for log probabilities, and returns the answer with what was recorded of it.
async fn ask_for_logprobs(layer: &Negotiate<Server>) -> (ChatResponse, AttemptState) {
    let generation = Generation { logprobs: Some(true), ..Generation::default() };
    let (request, tracker) = (ChatRequest { generation, ..request() }, AttemptTracker::default());
    let (policies, tracker, refusals) = (&policy(), &tracker, &Refusals::default());
    let (form, deadline) = (Form::default(), None);
    let cx = Context {
        request: &request,
        policies,
        number: 0,
        form,
        deadline,
        tracker,
        refusals,
        admitted: None,
        sink: None,
        key: None,
    };
    let answer = layer.attempt(cx).await.unwrap();
    (answer, tracker.state())
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_an_event_is_asked_for_once_in_one_piece_and_this_is_not_remembered() {
    let refused = ModelError::ContextLength { message: "too long".into() };
    let must_stream = ModelError::Rejected { form: Form::default(), message: "no".into() };
    let table = [
        (Ok(answer(None)), Ok(answer(None).text)),
        (Err(refused.clone()), Err(refused)),
        (Err(must_stream), Err(ModelError::EmptyStream)),
    ];
    for (buffered, want) in table {
        let layer = server(Err(ModelError::EmptyStream), buffered);
        for _ in 0..2 {
            let answer = ask(&layer, &policy()).await;
            assert!(answer.as_ref().is_ok_and(|it| it.remarks.fixes == [Fix::Buffered]) || answer.is_err());
            assert_eq!(answer.map(|answer| answer.text), want);
        }
        let (first, second) = (Form::default(), form(&[Fix::Buffered]));
        assert_eq!(*layer.inner.seen.lock().unwrap(), [first, second, first, second]);
    }
}

#[tokio::test(start_paused = true)]
async fn log_probabilities_of_buffered_answers_only_are_found_and_the_form_remembered() {
    let layer = server(Ok(answer(None)), Ok(answer(Some(Vec::new()))));

    let (first, state) = ask_for_logprobs(&layer).await;
    let (second, _) = ask_for_logprobs(&layer).await;
    ask(&layer, &policy()).await.unwrap();

    let total = |answer: &ChatResponse| answer.usage.unwrap().prompt_tokens;
    assert_eq!((total(&first), total(&second)), (4, 2), "the tokens of both answers count");
    assert!(!state.streamed && first.logprobs.is_some() && second.logprobs.is_some());
    assert_eq!((first.remarks.fixes, second.remarks.fixes), (vec![Fix::Buffered], vec![Fix::Buffered]));
    let (streamed, buffered) = (Form::default(), form(&[Fix::Buffered]));
    assert_eq!(*layer.inner.seen.lock().unwrap(), [streamed, buffered, buffered, streamed]);
}

#[tokio::test(start_paused = true)]
async fn log_probabilities_that_a_server_does_not_have_are_sought_once_and_the_answer_counts() {
    let failed = Err(ModelError::ContextLength { message: "no".into() });
    for (buffered, tokens) in [(Ok(answer(None)), 4), (failed, 2)] {
        let layer = server(Ok(answer(None)), buffered);

        let (first, state) = ask_for_logprobs(&layer).await;
        let (second, _) = ask_for_logprobs(&layer).await;

        assert_eq!((first.usage.unwrap().prompt_tokens, second.usage.unwrap().prompt_tokens), (tokens, 2));
        assert_eq!((state.streamed, state.status), (true, Some(200)), "the streamed answer is recorded");
        assert!(first.remarks.fixes.is_empty());
        assert_eq!(layer.inner.seen.lock().unwrap().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_protocol_without_log_probabilities_is_not_asked_for_them() {
    let layer = Negotiate { has_logprobs: false, ..server(Ok(answer(None)), Ok(answer(None))) };
    ask_for_logprobs(&layer).await;
    assert_eq!(layer.inner.seen.lock().unwrap().len(), 1);
}
