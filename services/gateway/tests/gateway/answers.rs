use runmill_gateway::{AnswerKey, Gateway, GatewaySettings, Share};
use serde_json::json;

use crate::client::{Reply, ask, ask_stream, chat, gateway, gateway_with_key, get, receive, send};

#[tokio::test]
async fn a_buffered_answer_is_a_chat_completion_with_usage() {
    let reply = chat(&gateway().await, "", &ask("echo", "one two")).await;

    assert_eq!((reply.status, reply.complete), (200, true));
    let json = reply.json();
    assert_eq!(json["object"], "chat.completion");
    assert_eq!(
        json["choices"][0]["message"],
        json!({"role": "assistant", "content": "one two", "refusal": null})
    );
    assert_eq!(json["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        json["usage"],
        json!({"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}})
    );
}

#[tokio::test]
async fn a_streamed_answer_ends_with_finish_reason_usage_and_done() {
    let reply = chat(&gateway().await, "", &ask_stream("lorem+tokens=64", "?")).await;

    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let events = reply.events();
    assert_eq!(events.len(), 1 + 64 + 1 + 1 + 1);
    assert!(events[0].contains(r#""role":"assistant""#));
    assert!(events[65].contains(r#""finish_reason":"stop""#));
    assert!(
        events[66]
            .contains(r#""choices":[],"usage":{"prompt_tokens":1,"completion_tokens":64,"total_tokens":65,"#)
    );
    assert_eq!(events[67], "[DONE]");
    assert!(reply.complete);
}

#[tokio::test]
async fn streamed_and_buffered_say_the_same() {
    let gateway = gateway().await;
    let text = "Zeile \"eins\"\n\tund zwei \u{1f40e} ";

    let buffered = chat(&gateway, "", &ask("echo", text)).await;
    let streamed = chat(&gateway, "", &ask_stream("echo", text)).await;

    assert_eq!((buffered.buffered_text(), streamed.streamed_text()), (text.to_owned(), text.to_owned()));
}

#[tokio::test]
async fn a_paced_stream_has_the_same_bytes_as_an_immediate_one() {
    let gateway = gateway().await;

    let paced = chat(&gateway, "", &ask_stream("lorem+ttft=2ms+tps=1000", "?")).await;
    let immediate = chat(&gateway, "", &ask_stream("lorem", "?")).await;

    assert_eq!(paced.streamed_text(), immediate.streamed_text());
    assert_eq!(paced.events().len(), immediate.events().len());
    assert!(paced.complete);
}

#[tokio::test]
async fn the_token_limit_ends_the_answer_by_length() {
    let mut request = ask("lorem+tokens=64", "?");
    request["max_tokens"] = 5.into();

    let json = chat(&gateway().await, "", &request).await.json();

    assert_eq!(json["choices"][0]["finish_reason"], "length");
    assert_eq!(json["usage"]["completion_tokens"], 5);
}

const ITEMS: usize = 200;

fn items() -> String {
    let line = |n| {
        format!(
            r#"{{"id":"i{n}","type":"freeform","inputs":{{"text":"What is {n} and 0?"}},"answer":"{n}"}}"#
        )
    };
    (0..ITEMS).map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_key_answers_exactly_its_share_rightly() {
    let gateway = gateway_with_key(&items()).await;
    let share: Share = "0.8".parse().unwrap();
    let mut right = 0;
    for n in 0..ITEMS {
        let reply =
            chat(&gateway, "", &ask("key=0.8+tokens=24", &format!("What is {n} and 0?\nThink."))).await;

        assert_eq!(reply.json()["usage"]["completion_tokens"], 24);
        let said = reply.buffered_text();
        let is_right = AnswerKey::is_right(&format!("i{n}"), share);
        let number = if is_right { n } else { n + 1 };
        assert!(said.ends_with(&format!(" The answer is {number}.")), "{said}");
        right += usize::from(is_right);
    }

    assert_eq!(right, AnswerKey::from_ndjson(items().as_bytes()).unwrap().right_count(share));
}

#[tokio::test]
async fn models_lists_the_bases_that_can_be_used() {
    let ids = |reply: &Reply| {
        reply.json()["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect::<Vec<_>>()
    };

    assert_eq!(ids(&get(&gateway().await, "/v1/models").await), ["echo", "lorem", "tool"]);
    assert_eq!(ids(&get(&gateway_with_key("").await, "/v1/models").await), ["echo", "lorem", "tool", "key"]);
}

#[tokio::test]
async fn a_single_model_is_known_if_its_name_is_understood() {
    let gateway = gateway().await;

    assert_eq!(get(&gateway, "/v1/models/echo+ttft=2s").await.json()["id"], "echo+ttft=2s");
    assert_eq!(get(&gateway, "/v1/models/echo%2Bttft%3D2s").await.json()["id"], "echo+ttft=2s");
    assert_eq!(get(&gateway, "/v1/models/gpt-4o").await.status, 404);
}

#[tokio::test]
async fn a_connection_serves_call_after_call() {
    let gateway = gateway().await;
    let body = ask("echo", "hi").to_string();
    let keep = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(gateway.address()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, format!("{keep}{keep}").as_bytes()).await.unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
    let mut bytes = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await.unwrap();

    assert_eq!(String::from_utf8(bytes).unwrap().matches("HTTP/1.1 200 OK").count(), 2);
}

#[tokio::test]
async fn health_is_answered_and_other_paths_are_not() {
    let gateway = gateway().await;

    assert_eq!(get(&gateway, "/healthz").await.body, r#"{"status":"ok"}"#);
    let missing = receive(send(gateway.address(), "POST", "/v1/embeddings", "", "{}").await).await;
    assert_eq!(
        (missing.status, missing.json()["error"]["type"].clone()),
        (404, "invalid_request_error".into())
    );
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let gateway = gateway().await;

    let again =
        Gateway::start(GatewaySettings { listen: gateway.address(), ..GatewaySettings::default() }).await;

    assert_eq!(again.unwrap_err().to_string(), format!("cannot listen on {}", gateway.address()));
}
