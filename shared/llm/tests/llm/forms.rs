//! Requests that a server refuses in one form and accepts in another.

use runmill_llm::{ChatRequest, Invoked, ModelError, Unanswered};
use runmill_proto::{Fix, Generation};
use serde_json::Value;

use crate::{
    server::{Act, EVENTS, STREAM, Server, response, stream},
    setup::{client, policy, request},
};

fn refusal(message: &str) -> Act {
    Act::Send(response("400 Bad Request", "", &format!(r#"{{"error":{{"message":"{message}"}}}}"#)))
}

/// Makes one call, and returns it with the bodies of its requests.
async fn call(request: &ChatRequest, script: Vec<Act>) -> (Invoked, Vec<Value>) {
    let requests = script.len();
    let mut server = Server::start(script).await;
    let invoked = client(server.base_url()).invoke(request, &policy()).await;
    let mut bodies = Vec::new();
    for _ in 0..requests {
        let (_, text) = server.received().await;
        bodies.push(serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap());
    }
    (invoked, bodies)
}

fn fixes(invoked: &Invoked) -> &[Fix] {
    &invoked.result.as_ref().unwrap().remarks.fixes
}

#[tokio::test]
async fn a_model_that_an_unknown_server_does_not_know_is_asked_for_without_its_prefix() {
    let asked = ChatRequest { model: "openai/small".into(), ..request() };
    let script = vec![refusal("Invalid model name passed in model=openai/small"), Act::Send(stream(EVENTS))];

    let (invoked, bodies) = call(&asked, script).await;

    assert_eq!((&bodies[0]["model"], &bodies[1]["model"]), (&"openai/small".into(), &"small".into()));
    assert_eq!((fixes(&invoked), invoked.attempts.len()), (&[Fix::ShortModelName][..], 1));
}

#[tokio::test]
async fn a_refused_temperature_is_left_out_and_a_refused_system_role_goes_into_the_question() {
    let generation = Generation { temperature: Some(0.0), ..Generation::default() };
    let asked = ChatRequest { system: Some("be brief".into()), generation, ..request() };
    let script = vec![
        refusal("System role not supported"),
        refusal("'temperature' does not support 0 with this model."),
        Act::Send(stream(EVENTS)),
    ];

    let (invoked, bodies) = call(&asked, script).await;

    let (first, last) = (&bodies[0], &bodies[2]);
    assert_eq!((&first["messages"][0]["role"], &first["temperature"]), (&"system".into(), &0.0.into()));
    assert_eq!(last["messages"], serde_json::json!([{"role": "user", "content": "be brief\n\n2+2?"}]));
    assert_eq!(last.get("temperature"), None);
    assert_eq!(fixes(&invoked), [Fix::SystemInQuestion, Fix::NoTemperature]);
}

#[tokio::test]
async fn a_refusal_of_what_was_not_sent_is_an_error_at_once() {
    for message in ["temperature is not supported", "System role not supported", "model not found"] {
        let (invoked, _) = call(&request(), vec![refusal(message)]).await;
        let Err(Unanswered::Failed(error)) = &invoked.result else { panic!("{invoked:?}") };
        assert!(matches!(error, ModelError::InvalidRequest { status: 400, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_error_that_an_empty_stream_hides_is_found_in_one_piece() {
    let script = vec![
        Act::SendAndClose(format!("{STREAM}: hello\n\n")),
        refusal("This model's maximum context length is 512 tokens"),
    ];

    let (invoked, bodies) = call(&request(), script).await;

    assert_eq!((bodies[0].get("stream"), bodies[1].get("stream")), (Some(&true.into()), None));
    let Err(Unanswered::Failed(error)) = &invoked.result else { panic!("{invoked:?}") };
    assert!(matches!(error, ModelError::ContextLength { .. }), "{error:?}");
}
