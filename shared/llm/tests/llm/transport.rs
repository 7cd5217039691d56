use std::time::Duration;

use jiff::Timestamp;
use runmill_llm::{CallPolicy, Invoked, ModelError, Target, TimeoutPhase, Unanswered};
use runmill_proto::{ErrorKind, api::ProviderProtocol};

use crate::{
    server::{Act, BUFFERED, EVENTS, HUNG_UP, STREAM, Server, response, stream},
    setup::{HEADER_SECRET, KEY, client, factory, policy, request, target},
};

async fn call(script: impl IntoIterator<Item = Act>, policy: &CallPolicy) -> (Invoked, Server) {
    let server = Server::start(script).await;
    let invoked = client(server.base_url()).invoke(&request(), policy).await;
    (invoked, server)
}

fn text(invoked: &Invoked) -> &str {
    &invoked.result.as_ref().unwrap().text
}

fn kind(invoked: &Invoked) -> ErrorKind {
    invoked.result.as_ref().unwrap_err().error().kind()
}

#[tokio::test]
async fn a_stream_is_asked_for_and_read() {
    let (invoked, mut server) = call([Act::Send(stream(EVENTS))], &policy()).await;

    assert_eq!(text(&invoked), "4");
    assert!(invoked.streamed && invoked.ttft.is_some());
    assert_eq!(invoked.attempts[0].status, Some(200));
    assert_eq!(invoked.usage.unwrap().prompt_tokens, 9);
    let (_, request) = server.received().await;
    for part in [
        "POST /v1/chat/completions HTTP/1.1",
        "x-client-request-id: run_1:7:0:0",
        &format!("authorization: Bearer {KEY}"),
        &format!("x-team: {HEADER_SECRET}"),
        "\"stream\":true",
    ] {
        assert!(request.contains(part), "{part} is not in\n{request}");
    }
}

#[tokio::test]
async fn a_retry_tells_its_number_and_the_connection_is_used_again() {
    let busy = response("500 Internal Server Error", "", "{}");
    let retry = CallPolicy { max_retries: 1, ..policy() };
    let (invoked, mut server) = call([Act::Send(busy), Act::Send(stream(EVENTS))], &retry).await;

    assert_eq!(text(&invoked), "4");
    for id in ["x-client-request-id: run_1:7:0:0", "x-client-request-id: run_1:7:0:1"] {
        let (connection, request) = server.received().await;
        assert_eq!(connection, 1);
        assert!(request.contains(id), "{request}");
    }
}

#[tokio::test]
async fn a_connection_whose_stream_was_read_serves_the_next_call() {
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    // The answer is complete before the end of its body.
    let answer = Act::SendEndLate(format!("{head}{}", chunk(EVENTS)), "0\r\n\r\n".to_owned());
    let mut server = Server::start([answer]).await;
    let client = client(server.base_url());

    for _ in 0..2 {
        assert_eq!(text(&client.invoke(&request(), &policy()).await), "4");
    }

    assert_eq!((server.received().await.0, server.received().await.0), (1, 1));
}

#[tokio::test]
async fn json_in_answer_to_a_stream_is_a_buffered_answer() {
    let json = response("200 OK", "content-type: application/json; charset=utf-8\r\n", BUFFERED);
    let (invoked, _server) = call([Act::Send(json)], &policy()).await;

    assert_eq!(text(&invoked), "4");
    assert_eq!((invoked.streamed, invoked.ttft), (false, None));
}

#[tokio::test]
async fn a_rejected_stream_is_asked_again_buffered_within_the_attempt() {
    let rejection =
        "{\"error\":{\"message\":\"no streams\",\"param\":\"stream\",\"code\":\"unsupported_value\"}}";
    let script = [
        Act::Send(response("400 Bad Request", "", rejection)),
        Act::Send(response("200 OK", "content-type: application/json\r\n", BUFFERED)),
    ];
    let (invoked, mut server) = call(script, &policy()).await;

    assert_eq!(text(&invoked), "4");
    assert_eq!((invoked.attempts.len(), invoked.streamed), (1, false));
    assert!(server.received().await.1.contains("\"stream\":true"));
    let (_, second) = server.received().await;
    assert!(!second.contains("stream") && second.contains("x-client-request-id: run_1:7:0:0"), "{second}");
}

#[tokio::test]
async fn a_cut_stream_is_no_answer_and_its_tokens_count() {
    let start = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"4\"}}],\
                 \"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n";
    let (invoked, _server) = call([Act::SendAndClose(format!("{STREAM}{start}"))], &policy()).await;

    assert_eq!(kind(&invoked), ErrorKind::TruncatedStream);
    assert_eq!(invoked.attempts[0].usage.unwrap().prompt_tokens, 9);
    assert_eq!(invoked.usage, invoked.attempts[0].usage);
}

#[tokio::test]
async fn each_wait_on_a_real_connection_has_its_end() {
    let short = Duration::from_millis(50);
    let token = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"4\"}}]}\n\n";
    let table = [
        (CallPolicy { first_token: short, ..policy() }, String::new(), ErrorKind::FirstTokenTimeout),
        (CallPolicy { first_token: short, ..policy() }, STREAM.to_owned(), ErrorKind::FirstTokenTimeout),
        (CallPolicy { idle: short, ..policy() }, format!("{STREAM}{token}"), ErrorKind::IdleTimeout),
        (CallPolicy { total: short, ..policy() }, format!("{STREAM}{token}"), ErrorKind::TotalTimeout),
    ];
    for (policy, sent, want) in table {
        let (invoked, _server) = call([Act::SendAndHang(sent)], &policy).await;
        assert_eq!(kind(&invoked), want);
    }
}

/// Keep-alive comments of a server whose model thinks for more than three minutes.
#[tokio::test(start_paused = true)]
async fn a_model_that_thinks_with_signs_of_life_is_called_once() {
    let role = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n";
    let comments = std::iter::repeat_n(": keep-alive\n\n".to_owned(), 14);
    let texts = [format!("{STREAM}{role}")].into_iter().chain(comments).chain([EVENTS.to_owned()]);
    let thinking = Act::SendSlowly(texts.collect(), Duration::from_secs(15));
    let patient = CallPolicy { max_retries: 4, ..policy() };

    let (invoked, mut server) = call([thinking], &patient).await;

    assert_eq!((text(&invoked), invoked.attempts.len()), ("4", 1));
    assert!(invoked.ttft.unwrap() > Duration::from_secs(200), "{:?}", invoked.ttft);
    server.received().await;
    assert!(server.has_no_request());
}

/// Returns a policy by which a call does not wait for a server that cannot be reached.
fn impatient() -> CallPolicy {
    CallPolicy { deadline: Some(Timestamp::from_millisecond(100).unwrap()), ..policy() }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_a_connect_timeout() {
    let server = Server::start([Act::SendAndHang(String::new())]).await;
    let client = client(format!("https://{}/v1", server.address));

    let invoked = client.invoke(&request(), &impatient()).await;

    let phase = ModelError::TimedOut(TimeoutPhase::Connect);
    assert_eq!(invoked.result, Err(Unanswered::Failed(phase)));
    assert!(invoked.attempts.iter().all(|attempt| attempt.unsent));
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closes_uses_up_no_retry() {
    let script = [Act::Send(stream(EVENTS)), Act::SendAndClose(String::new()), Act::Send(stream(EVENTS))];
    let server = Server::start(script).await;
    let client = client(server.base_url());

    for attempts in [1, 2] {
        let invoked = client.invoke(&request(), &policy()).await;
        assert_eq!((text(&invoked), invoked.attempts.len(), invoked.failures), ("4", attempts, 0));
    }
}

#[tokio::test]
async fn a_base_url_without_its_version_is_told() {
    let server =
        Server::start([Act::Send(response("404 Not Found", "", "{\"detail\":\"Not Found\"}"))]).await;
    let client = client(format!("http://{}", server.address));

    let invoked = client.invoke(&request(), &policy()).await;

    assert_eq!(kind(&invoked), ErrorKind::InvalidRequest);
    let error = invoked.attempts[0].error.as_ref().unwrap();
    assert!(error.ends_with("Not Found (the base URL has no /v1)"), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_a_connection_error() {
    // Bound without listening, so that no other server gets the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let gone = socket.local_addr().unwrap();

    let invoked = client(format!("http://{gone}/v1")).invoke(&request(), &impatient()).await;

    assert_eq!((kind(&invoked), invoked.attempts[0].unsent), (ErrorKind::Connection, true));
    let error = invoked.attempts[0].error.as_ref().unwrap();
    assert!(error.contains("Connection refused") && !error.contains("/v1"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut elsewhere = Server::start([Act::Send(stream(EVENTS))]).await;
    let location = format!("location: {}/chat/completions\r\n", elsewhere.base_url());
    let (invoked, _server) =
        call([Act::Send(response("307 Temporary Redirect", &location, ""))], &policy()).await;

    assert_eq!(kind(&invoked), ErrorKind::InvalidRequest);
    assert!(elsewhere.has_no_request());
}

#[tokio::test]
async fn a_web_page_is_no_stream() {
    let page = response("200 OK", "content-type: text/html\r\n", "<html>login</html>");
    let (invoked, _server) = call([Act::Send(page)], &policy()).await;

    assert_eq!(kind(&invoked), ErrorKind::MalformedResponse);
}

#[tokio::test]
async fn an_answer_without_end_is_bounded() {
    let megabyte = "x".repeat(1024 * 1024);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let (invoked, _server) =
        call([Act::SendAndClose(format!("{head}{}", megabyte.repeat(33)))], &policy()).await;
    assert_eq!(kind(&invoked), ErrorKind::MalformedResponse);

    let event = format!("{STREAM}data: {}", megabyte.repeat(9));
    let (invoked, _server) = call([Act::SendAndClose(event)], &policy()).await;
    assert_eq!(kind(&invoked), ErrorKind::MalformedResponse);

    let error = response("400 Bad Request", "", &megabyte);
    let (invoked, _server) = call([Act::Send(error)], &policy()).await;
    assert!(invoked.attempts[0].error.as_ref().unwrap().len() < 700);
}

#[tokio::test]
async fn a_secret_that_the_provider_repeats_is_in_nothing_that_we_tell() {
    let echo = format!("Incorrect API key provided: {KEY} (team {HEADER_SECRET}); masked: sk-l***4d5a");
    let body = format!("{{\"error\":{{\"message\":\"{echo}\"}}}}");
    let in_stream = format!("data: {body}\n\n");
    let not_json = format!("data: {{\"choices\":\"{KEY}\"}}\n\n");
    let script = [
        response("401 Unauthorized", "", &body),
        response("502 Bad Gateway", "content-type: text/html\r\n", &echo),
        response("200 OK", "content-type: application/json\r\n", &body),
        stream(&in_stream),
        stream(&not_json),
    ];
    for answer in script {
        let (invoked, _server) = call([Act::Send(answer)], &policy()).await;

        let told = format!("{invoked:?}");
        assert!(invoked.result.is_err(), "{told}");
        for secret in [KEY, HEADER_SECRET, "sk-l", "4d5a"] {
            assert!(!told.contains(secret), "{secret} is in {told}");
        }
    }
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let mut server = Server::start([Act::SendAndHang(STREAM.to_owned())]).await;
    let (client, request, policy) = (client(server.base_url()), request(), policy());

    tokio::select! {
        invoked = client.invoke(&request, &policy) => panic!("{invoked:?}"),
        (_, request) = server.received() => assert!(request.starts_with("POST")),
    }

    assert_eq!(server.received().await, (1, HUNG_UP.to_owned()));
}

/// Makes a call to a server that sends `sent` and then nothing. The client's own limit of five seconds ends the call.
async fn call_that_hangs(sent: &str, target: impl FnOnce(String) -> Target) -> Invoked {
    let server = Server::start([Act::SendAndHang(sent.to_owned())]).await;
    let client = factory().client(&target(server.base_url())).unwrap();
    client.invoke(&request(), &policy()).await
}

#[tokio::test]
async fn an_error_is_told_though_its_body_does_not_end() {
    let head = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 999\r\n\r\nbusy";
    let invoked = call_that_hangs(head, target).await;

    let busy = ModelError::Overloaded { message: "busy".into(), after: Some(Duration::from_secs(7)) };
    assert_eq!(invoked.result, Err(Unanswered::Failed(busy)));
    assert_eq!(invoked.attempts[0].status, Some(503));
    assert!(invoked.latency < Duration::from_secs(10), "{:?}", invoked.latency);
}

fn gemini(base_url: String) -> Target {
    Target { protocol: ProviderProtocol::Gemini, ..target(base_url) }
}

const LAST: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"4\"}]},\
                    \"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":9}}\n\n";
const MORE: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"2\"}]}}]}\n\n";

#[tokio::test]
async fn without_a_terminator_an_answer_is_whole_at_its_reason_though_its_end_is_broken() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n";
    let table = [
        (format!("{head}{MORE}{LAST}"), Some("24")),
        (format!("{head}{LAST}data: {{\"usageMetadata\":{{\"promptTokenCount\":9}}}}\n\n"), Some("4")),
        (format!("{head}{LAST}{MORE}"), None),
        (format!("{head}{LAST}data: {{"), None),
        (format!("{head}{MORE}"), None),
    ];
    for (sent, want) in table {
        let server = Server::start([Act::SendAndClose(sent.clone())]).await;
        let client = factory().client(&gemini(server.base_url())).unwrap();

        let invoked = client.invoke(&request(), &policy()).await;

        match want {
            Some(want) => assert_eq!(text(&invoked), want, "{sent}"),
            None => assert_eq!(kind(&invoked), ErrorKind::TruncatedStream, "{sent}"),
        }
    }
}

#[tokio::test]
async fn without_a_terminator_an_answer_is_whole_at_its_reason_though_it_has_no_end() {
    let invoked = call_that_hangs(&format!("{STREAM}{LAST}"), gemini).await;

    assert_eq!(text(&invoked), "4");
    assert!(invoked.latency < Duration::from_secs(10), "{:?}", invoked.latency);
}

#[tokio::test]
async fn json_is_a_buffered_answer_whatever_it_is_called() {
    let types = [
        "content-type: application/vnd.x+json\r\n",
        "content-type: text/json; charset=utf-8\r\n",
        "content-type: text/plain\r\n",
        "content-type: text/event-stream\r\n",
        "",
    ];
    for content_type in types {
        let json = response("200 OK", content_type, BUFFERED);
        let (invoked, _server) = call([Act::Send(json)], &policy()).await;

        assert_eq!((text(&invoked), invoked.streamed), ("4", false), "{content_type}");
    }
}

#[tokio::test]
async fn a_terminator_needs_no_empty_line_after_it() {
    for end in ["", "\n"] {
        let sent = format!("{STREAM}{}{end}", EVENTS.trim_end());
        let (invoked, _server) = call([Act::SendAndClose(sent)], &policy()).await;

        assert_eq!(text(&invoked), "4");
    }
}

#[tokio::test]
async fn what_an_unusable_buffered_answer_has_counted_is_counted() {
    let unusable = "{\"choices\":[{\"index\":0,\"message\":{},\"finish_reason\":\"error\"}],\
                    \"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}";
    let json = response("200 OK", "content-type: application/json\r\n", unusable);
    let (invoked, _server) = call([Act::Send(json)], &policy()).await;

    assert_eq!(kind(&invoked), ErrorKind::ServerError);
    assert_eq!(invoked.usage.unwrap().prompt_tokens, 9);
}
