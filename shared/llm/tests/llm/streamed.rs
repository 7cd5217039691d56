//! Answers whose parts are told as they arrive.

use std::sync::Mutex;

use runmill_llm::{CallPolicy, ChatRequest, Delta, DeltaSink, Interrupts, Invoked, ModelError, Unanswered};
use runmill_proto::{Note, chat::ModelAnswer};

use crate::{
    server::{Act, BUFFERED, STREAM, Server, response},
    setup::{HEADER_SECRET, KEY, client, factory, policy, request, target},
};

#[derive(Default)]
struct Sink(Mutex<Vec<Delta>>);

impl DeltaSink for Sink {
    fn delta(&self, delta: Delta) {
        self.0.lock().unwrap().push(delta);
    }
}

/// Calls a server, and returns the parts that it told.
async fn call(server: &Server, request: &ChatRequest) -> (Invoked, Vec<Delta>) {
    let (client, sink) = (client(server.base_url()), Sink::default());
    let invoked = client.invoke_streamed(request, &policy(), &Interrupts::default(), &sink).await;
    (invoked, sink.0.into_inner().unwrap())
}

fn sum(parts: Vec<Delta>) -> Delta {
    parts.into_iter().fold(Delta::default(), |mut sum, part| {
        sum.append(part);
        sum
    })
}

fn event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text:?}}}}}]}}\n\n")
}

const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// Returns a stream of these texts, each of which the client reads before the next.
fn pieces(texts: &[&str], end: &str) -> Act {
    let mut sent: Vec<_> = texts.iter().map(|text| event(text)).collect();
    sent[0].insert_str(0, STREAM);
    sent.push(end.to_owned());
    Act::SendInPieces(sent)
}

#[tokio::test]
async fn parts_arrive_before_the_end_and_add_up_to_the_answer() {
    let server = Server::start([pieces(&["2", "+2 ", "is 4"], STOP)]).await;

    let (invoked, parts) = call(&server, &request()).await;

    let answer = invoked.result.unwrap();
    assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>(), ["2", "+2 ", "is 4"]);
    assert_eq!(ModelAnswer::from(answer).text, "2+2 is 4");
}

#[tokio::test]
async fn an_answer_in_one_piece_is_one_part() {
    let server = Server::start([Act::Send(response("200 OK", "", BUFFERED))]).await;

    let (invoked, parts) = call(&server, &request()).await;

    assert_eq!(parts, [Delta::from(&invoked.result.unwrap())]);
}

#[tokio::test]
async fn a_secret_in_several_parts_reaches_nobody() {
    let (begin, end) = KEY.split_at(9);
    let texts = ["is it ", begin, end, "? or tea", "m? or ", HEADER_SECRET, "!"];
    let server = Server::start([pieces(&texts, STOP)]).await;

    let (invoked, parts) = call(&server, &request()).await;

    let answer = invoked.result.unwrap();
    assert_eq!(answer.text, "is it [redacted]? or team? or [redacted]!");
    assert!(parts.len() > 3, "{parts:?}");
    assert_eq!(sum(parts), Delta::from(&answer));
}

#[tokio::test]
async fn thinking_in_the_text_stays_where_it_was_told() {
    let server = Server::start([pieces(&["<think>36", "</think>", "42"], STOP)]).await;

    let (invoked, parts) = call(&server, &request()).await;

    let answer = invoked.result.unwrap();
    assert_eq!((answer.text.as_str(), &answer.reasoning), ("<think>36</think>42", &None));
    assert_eq!(sum(parts), Delta::from(&answer));
}

#[tokio::test]
async fn after_a_part_nothing_is_asked_again() {
    let cut = Act::SendAndClose(format!("{STREAM}{}", event("half of")));
    let mut server = Server::start([cut, pieces(&["4"], STOP)]).await;
    let (client, sink) = (factory().client(&target(server.base_url())).unwrap(), Sink::default());
    let policy = CallPolicy { max_retries: 4, ..policy() };

    let invoked = client.invoke_streamed(&request(), &policy, &Interrupts::default(), &sink).await;

    assert_eq!(invoked.result, Err(Unanswered::Failed(ModelError::TruncatedStream)));
    assert_eq!((invoked.attempts.len(), invoked.failures), (1, 1));
    server.received().await;
    assert!(server.has_no_request());
    assert_eq!(sum(sink.0.into_inner().unwrap()).text, "half of");
}

#[tokio::test]
async fn a_form_that_is_refused_tells_nothing() {
    let refusal = r#"{"error":{"message":"'temperature' does not support 0 with this model."}}"#;
    let refusal = Act::Send(response("400 Bad Request", "", refusal));
    let server = Server::start([refusal, pieces(&["4"], STOP)]).await;
    let mut cold = request();
    cold.generation.temperature = Some(0.0);

    let (invoked, parts) = call(&server, &cold).await;

    let answer = invoked.result.unwrap();
    assert_eq!((sum(parts).text.as_str(), answer.remarks.fixes.len()), ("4", 1));
}

#[tokio::test]
async fn a_streamed_answer_is_not_asked_for_again_for_its_log_probabilities() {
    let mut server = Server::start([pieces(&["4"], STOP)]).await;
    let mut wanting = request();
    wanting.generation.logprobs = Some(true);

    let (invoked, parts) = call(&server, &wanting).await;

    assert_eq!(sum(parts).text, "4");
    assert!(invoked.result.unwrap().remarks.notes.contains(&Note::NoLogprobs));
    server.received().await;
    assert!(server.has_no_request());
}
