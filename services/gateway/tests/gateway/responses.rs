use serde_json::{Value, json};

use crate::client::{assert_wire, gateway, post};

const PATH: &str = "/v1/responses";

fn ask(model: &str) -> Value {
    json!({"model": model, "input": "a b"})
}

fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

fn stream(request: Value) -> Value {
    with(request, "stream", true.into())
}

fn with_tool(request: Value) -> Value {
    with(request, "tools", json!([{"type": "function", "name": "look_up", "parameters": {}}]))
}

fn as_json(request: Value) -> Value {
    with(request, "text", json!({"format": {"type": "json_schema", "name": "answer", "schema": {}}}))
}

#[tokio::test]
async fn answers_on_the_wire() {
    let table = [
        (stream(ask("echo+think=2")), "responses/think.stream"),
        (ask("echo+think=2"), "responses/think.json"),
        (stream(with_tool(ask("tool"))), "responses/tool.stream"),
        (with_tool(ask("tool")), "responses/tool.json"),
        (stream(as_json(ask("echo"))), "responses/json.stream"),
        (stream(with(ask("echo"), "max_output_tokens", 1.into())), "responses/length.stream"),
        (stream(ask("echo+overload=1")), "responses/overload.stream"),
        (stream(ask("echo+cut=1")), "responses/cut.stream"),
        (stream(ask("echo+malformed")), "responses/malformed.stream"),
    ];
    for (request, file) in table {
        assert_wire(PATH, &request, file).await;
    }
}

#[tokio::test]
async fn events_are_named_as_their_data_and_numbered_without_gaps() {
    let reply = post(&gateway().await, PATH, "", &stream(ask("lorem+think=3"))).await;

    for (number, (name, data)) in reply.named_events().into_iter().enumerate() {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!((&data["type"], &data["sequence_number"]), (&name.into(), &number.into()));
    }
}

#[tokio::test]
async fn refusals_and_failures_are_those_of_chat() {
    let gateway = gateway().await;
    let options = json!({"include_obfuscation": false});
    let table = [
        (stream(ask("echo+nostream")), 400, "unsupported_value"),
        (ask("echo+onlystream"), 400, "invalid_parameter_error"),
        (stream(with(ask("echo+nostreamoptions"), "stream_options", options)), 400, "unknown_parameter"),
        (ask("echo+fail=429:1"), 429, "rate_limit_exceeded"),
        (ask("gpt-4o"), 404, "model_not_found"),
    ];
    for (request, status, code) in table {
        let reply = post(&gateway, PATH, "", &request).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (status, &code.into()), "{request}");
    }
    assert_eq!(post(&gateway, PATH, "", &ask("echo+overload=1")).await.status, 503);
}
