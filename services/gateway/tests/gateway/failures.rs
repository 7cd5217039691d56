use runmill_gateway::{Gateway, GatewaySettings};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::client::{ask, ask_stream, chat, gateway, get, receive, send, until};

#[tokio::test]
async fn a_failure_has_its_status_an_error_body_and_retry_after() {
    let reply = chat(&gateway().await, "", &ask_stream("echo+fail=429:1+retry-after=2", "?")).await;

    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("2")));
    assert_eq!(reply.json()["error"]["code"], "rate_limit_exceeded");
}

#[tokio::test]
async fn a_call_fails_again_or_not_by_its_id_and_attempt() {
    let gateway = gateway().await;
    let request = ask("echo+fail=500:0.5", "?");
    let mut fates = Vec::new();
    for _ in 0..2 {
        for attempt in 0..40 {
            let id = format!("x-client-request-id: run:1:0:{attempt}\r\n");
            fates.push(chat(&gateway, &id, &request).await.status);
        }
    }

    assert_eq!(fates[..40], fates[40..]);
    assert!(fates.contains(&200) && fates.contains(&500));
}

#[tokio::test]
async fn nostream_rejects_a_stream_as_openai_does() {
    let gateway = gateway().await;

    let streamed = chat(&gateway, "", &ask_stream("echo+nostream", "hi")).await;
    let buffered = chat(&gateway, "", &ask("echo+nostream", "hi")).await;

    assert_eq!(streamed.status, 400);
    assert_eq!(
        streamed.json()["error"],
        json!({
            "message": "Unsupported value: 'stream' does not support true with this model. Only the default (false) value is supported.",
            "type": "invalid_request_error",
            "param": "stream",
            "code": "unsupported_value",
        })
    );
    assert_eq!(buffered.buffered_text(), "hi");
}

#[tokio::test]
async fn a_cut_stream_ends_cleanly_without_finish_reason_and_done() {
    let reply = chat(&gateway().await, "", &ask_stream("lorem+tokens=64+cut=10", "?")).await;

    assert_eq!(reply.events().len(), 11);
    assert!(!reply.body.contains("[DONE]") && !reply.body.contains(r#""finish_reason":"stop""#));
    assert!(reply.complete, "the transport ends as it should: only the stream's own end is missing");
}

#[tokio::test]
async fn a_cut_buffered_answer_breaks_off_with_its_connection() {
    let gateway = gateway().await;

    let reply = chat(&gateway, "", &ask("lorem+cut=10", "?")).await;

    assert_eq!((reply.status, reply.complete), (200, false));
    assert!(reply.body.starts_with(r#"{"id":"#));
    assert_eq!(gateway.stats().all.by_status[&200], 1);
}

#[tokio::test]
async fn a_malformed_answer_is_a_200_that_is_not_json() {
    let gateway = gateway().await;

    let buffered = chat(&gateway, "", &ask("lorem+malformed", "?")).await;
    let streamed = chat(&gateway, "", &ask_stream("lorem+malformed", "?")).await;

    assert_eq!((buffered.status, streamed.status), (200, 200));
    assert!(buffered.complete && serde_json::from_str::<Value>(&buffered.body).is_err());
    assert!(streamed.events().iter().any(|event| event.ends_with(r#"{"content"#)));
}

#[tokio::test]
async fn a_hanging_call_sends_no_byte() {
    let gateway = gateway().await;
    let request = ask_stream("echo+hang", "?").to_string();
    let mut stream = send(gateway.address(), "POST", "/v1/chat/completions", "", &request).await;
    until(&gateway, |stats| stats.all.in_flight == 1).await;

    gateway.stop().await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();

    assert!(bytes.is_empty(), "not even a head");
}

#[tokio::test]
async fn an_unknown_model_is_a_404_that_names_the_fault() {
    let gateway = gateway().await;
    let table = [
        ("gpt-4o", "`gpt-4o` is no base"),
        ("echo+ttft=9", "`ttft=9`: a time such as 200ms"),
        ("key", "`key` needs an answer key"),
    ];
    for (model, want) in table {
        let reply = chat(&gateway, "", &ask(model, "?")).await;
        let error = &reply.json()["error"];
        assert_eq!(
            (reply.status, &error["code"], &error["param"]),
            (404, &"model_not_found".into(), &"model".into())
        );
        assert!(error["message"].as_str().unwrap().contains(want), "{error}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused_and_recorded() {
    let settings = GatewaySettings { body_bytes_max: 100, ..GatewaySettings::default() };
    let gateway = Gateway::start(settings).await.unwrap();
    for (body, status) in [("{", 400), (&*"x".repeat(101), 413)] {
        let reply = receive(send(gateway.address(), "POST", "/v1/chat/completions", "", body).await).await;
        assert_eq!(
            (reply.status, reply.json()["error"]["type"].clone()),
            (status, "invalid_request_error".into())
        );
    }

    let calls = get(&gateway, "/_gateway/calls").await;

    assert_eq!(calls.body.lines().count(), 2);
    assert!(calls.body.contains(r#""model":"","key":"none""#));
}

#[tokio::test]
async fn further_connections_wait_for_a_place() {
    let settings = GatewaySettings { connections_max: 1, ..GatewaySettings::default() };
    let gateway = Gateway::start(settings).await.unwrap();
    let hanging = ask("echo+hang", "?").to_string();
    let first = send(gateway.address(), "POST", "/v1/chat/completions", "", &hanging).await;
    until(&gateway, |stats| stats.all.in_flight == 1).await;
    let _second = send(gateway.address(), "POST", "/v1/chat/completions", "", &hanging).await;

    drop(first);
    let stats = until(&gateway, |stats| stats.all.calls == 1 && stats.all.in_flight == 1).await;

    assert_eq!(stats.all.in_flight_max, 1);
}

#[tokio::test]
async fn a_gateway_that_is_dropped_hangs_up() {
    let gateway = gateway().await;
    let hanging = ask("echo+hang", "?").to_string();
    let mut stream = send(gateway.address(), "POST", "/v1/chat/completions", "", &hanging).await;
    until(&gateway, |stats| stats.all.in_flight == 1).await;

    drop(gateway);

    assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)));
}
