use serde_json::{Value, json};

use crate::client::{assert_wire, gateway, post};

const PATH: &str = "/v1/messages";

fn ask(model: &str) -> Value {
    json!({"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "a b"}]})
}

fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

fn stream(request: Value) -> Value {
    with(request, "stream", true.into())
}

fn with_tool(request: Value) -> Value {
    with(request, "tools", json!([{"name": "look_up", "input_schema": {"type": "object"}}]))
}

fn as_json(request: Value) -> Value {
    with(request, "output_config", json!({"format": {"type": "json_schema", "schema": {}}}))
}

#[tokio::test]
async fn answers_on_the_wire() {
    let table = [
        (stream(ask("echo+think=2")), "anthropic/think.stream"),
        (ask("echo+think=2"), "anthropic/think.json"),
        (stream(with_tool(ask("tool"))), "anthropic/tool.stream"),
        (with_tool(ask("tool")), "anthropic/tool.json"),
        (stream(as_json(ask("echo"))), "anthropic/json.stream"),
        (stream(with(ask("echo"), "max_tokens", 1.into())), "anthropic/length.stream"),
        (stream(ask("echo+overload=1")), "anthropic/overload.stream"),
        (stream(ask("echo+cut=1")), "anthropic/cut.stream"),
        (stream(ask("echo+malformed")), "anthropic/malformed.stream"),
    ];
    for (request, file) in table {
        assert_wire(PATH, &request, file).await;
    }
}

#[tokio::test]
async fn failures_are_anthropics() {
    let gateway = gateway().await;
    let table = [
        (ask("echo+fail=429:1+retry-after=2"), 429, "rate_limit_error"),
        (ask("echo+fail=529:1"), 529, "overloaded_error"),
        (ask("echo+overload=1+retry-after=2"), 529, "overloaded_error"),
        (stream(ask("echo+nostream")), 400, "invalid_request_error"),
        (ask("echo+onlystream"), 400, "invalid_request_error"),
        (ask("claude"), 404, "not_found_error"),
        (json!({"model": "echo"}), 400, "invalid_request_error"),
    ];
    for (request, status, kind) in table {
        let reply = post(&gateway, PATH, "", &request).await;
        let json = reply.json();
        assert_eq!((reply.status, &json["error"]["type"]), (status, &kind.into()), "{request}");
        assert_eq!(json["type"], "error");
        assert!(json["request_id"].as_str().unwrap().starts_with("req_"));
        let wait = request["model"].as_str().unwrap().contains("retry-after").then_some("2");
        assert_eq!(reply.header("retry-after"), wait, "{request}");
    }
}

#[tokio::test]
async fn a_broken_buffered_answer_is_half_of_one() {
    let gateway = gateway().await;

    let cut = post(&gateway, PATH, "", &ask("echo+cut=1")).await;
    let malformed = post(&gateway, PATH, "", &ask("echo+malformed")).await;

    assert_eq!((cut.status, cut.complete, malformed.status, malformed.complete), (200, false, 200, true));
    assert!(serde_json::from_str::<Value>(&malformed.body).is_err());
}
