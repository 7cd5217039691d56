//! Whole answers as the client returns them, in every protocol.

use runmill_llm::{ChatRequest, ChatResponse, ModelError, Target, Unanswered};
use runmill_proto::{ErrorKind, Note, Outcome, api::ProviderProtocol};

use crate::{
    server::{Act, Server, response},
    setup::{factory, policy, request, target},
};

const PROTOCOLS: [ProviderProtocol; 4] = [
    ProviderProtocol::OpenaiChat,
    ProviderProtocol::OpenaiResponses,
    ProviderProtocol::AnthropicMessages,
    ProviderProtocol::Gemini,
];

async fn call(
    protocol: ProviderProtocol,
    request: &ChatRequest,
    sent: String,
) -> Result<ChatResponse, Unanswered> {
    let server = Server::start([Act::Send(sent)]).await;
    let target = Target { protocol, ..target(server.base_url()) };
    factory().client(&target).unwrap().invoke(request, &policy()).await.result
}

/// Returns a buffered answer of seven tokens.
fn answer(protocol: ProviderProtocol, text: &str) -> String {
    let body = match protocol {
        ProviderProtocol::OpenaiChat => format!(
            r#"{{"model":"other","choices":[{{"message":{{"content":{text:?}}},"finish_reason":"stop"}}],
                "usage":{{"prompt_tokens":9,"completion_tokens":7}}}}"#
        ),
        ProviderProtocol::OpenaiResponses => format!(
            r#"{{"model":"other","status":"completed","output":[{{"type":"message","content":[{{"text":{text:?}}}]}}],
                "usage":{{"input_tokens":9,"output_tokens":7}}}}"#
        ),
        ProviderProtocol::AnthropicMessages => format!(
            r#"{{"model":"other","content":[{{"type":"text","text":{text:?}}}],"stop_reason":"end_turn",
                "usage":{{"input_tokens":9,"output_tokens":7}}}}"#
        ),
        ProviderProtocol::Gemini => format!(
            r#"{{"modelVersion":"other","candidates":[{{"content":{{"parts":[{{"text":{text:?}}}]}},"finishReason":"STOP"}}],
                "usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":7}}}}"#
        ),
    };
    response("200 OK", "content-type: application/json\r\n", &body)
}

#[tokio::test]
async fn thinking_in_the_text_is_no_part_of_it() {
    for protocol in PROTOCOLS {
        let thought = call(protocol, &request(), answer(protocol, "<think>36?</think>\n\n42")).await.unwrap();
        assert_eq!((thought.text.as_str(), thought.reasoning.as_deref()), ("42", Some("36?")), "{protocol}");

        let cut = call(protocol, &request(), answer(protocol, "<think>36")).await.unwrap();
        assert_eq!((cut.text.as_str(), cut.outcome()), ("", Outcome::Truncated), "{protocol}");

        let empty = call(protocol, &request(), answer(protocol, "36\n</think>")).await.unwrap_err();
        assert_eq!(empty.error().kind(), ErrorKind::EmptyAnswer, "{protocol}");
    }
}

#[tokio::test]
async fn the_model_that_answered_is_recorded_if_it_is_another() {
    for protocol in PROTOCOLS {
        let other = call(protocol, &request(), answer(protocol, "4")).await.unwrap().remarks;
        let asked = ChatRequest { model: "other".into(), ..request() };
        let same = call(protocol, &asked, answer(protocol, "4")).await.unwrap().remarks;

        assert_eq!(
            (other.answered_by.as_deref(), &other.notes[..]),
            (Some("other"), &[Note::OtherModel][..])
        );
        assert!(same.is_empty(), "{protocol}: {same:?}");
    }
}

#[tokio::test]
async fn an_answer_of_as_many_tokens_as_allowed_is_truncated_where_servers_do_not_tell() {
    use ProviderProtocol::{AnthropicMessages, OpenaiResponses};
    for protocol in PROTOCOLS {
        let mut request = ChatRequest { model: "other".into(), ..request() };
        request.generation.max_new_tokens = Some(7);

        let answer = call(protocol, &request, answer(protocol, "4")).await.unwrap();

        let hidden = matches!(protocol, AnthropicMessages | OpenaiResponses);
        assert_eq!(answer.outcome() == Outcome::Truncated, hidden, "{protocol}");
        assert_eq!(answer.remarks.notes == [Note::StoppedAtLimit], hidden, "{protocol}");
    }
}

#[tokio::test]
async fn an_error_in_the_form_of_events_is_read_wherever_it_comes() {
    let events = "data: {\"error\":{\"message\":\"upstream is gone\",\"code\":\"500\"},\"type\":\"error\"}\n\ndata: [DONE]\n\n";
    let sent = [
        response("500 Internal Server Error", "content-type: text/event-stream\r\n", events),
        response("200 OK", "content-type: application/json\r\n", events),
        response("200 OK", "content-type: text/event-stream\r\n", events),
    ];
    for protocol in PROTOCOLS {
        for sent in &sent {
            let error = call(protocol, &request(), sent.clone()).await.unwrap_err();
            let want = "the provider failed with status 500: upstream is gone";
            assert_eq!(error.to_string(), want, "{protocol}: {sent}");
        }
    }
}

#[tokio::test]
async fn a_stream_without_an_event_is_an_error_of_its_own() {
    for protocol in PROTOCOLS {
        let empty = response("200 OK", "content-type: text/event-stream\r\n", ": hello\n\n");
        let error = call(protocol, &request(), empty).await.unwrap_err();
        assert_eq!(error, Unanswered::Failed(ModelError::EmptyStream), "{protocol}");
    }
}

#[tokio::test]
async fn an_end_mark_alone_is_no_answer_and_its_error_tells_what_may_help() {
    let half = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half of\"}}]}\n\ndata: [DONE]\n\n";
    let sent = response("200 OK", "content-type: text/event-stream\r\n", half);
    let error = call(ProviderProtocol::OpenaiChat, &request(), sent).await.unwrap_err();
    assert_eq!(error, Unanswered::Failed(ModelError::NoStopReason));
    assert!(error.to_string().contains("--concurrency"), "{error}");
}
