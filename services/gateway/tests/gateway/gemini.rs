use serde_json::{Value, json};

use crate::client::{Reply, assert_wire, gateway, post};

const STREAM: &str = "streamGenerateContent?alt=sse";
const ARRAY: &str = "streamGenerateContent";
const WHOLE: &str = "generateContent";

fn path(model: &str, method: &str) -> String {
    format!("/v1beta/models/{model}:{method}")
}

fn ask() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "a b"}]}]})
}

fn with(field: &str, value: Value) -> Value {
    let mut request = ask();
    request[field] = value;
    request
}

fn with_tool() -> Value {
    with("tools", json!([{"functionDeclarations": [{"name": "look_up"}]}]))
}

/// Returns the chunks of a streamed response: the elements of a JSON array, or the data of server-sent events.
fn chunks(reply: &Reply) -> Vec<Value> {
    if reply.body.starts_with('[') {
        return serde_json::from_str(&reply.body).unwrap();
    }
    let events = reply.body.split_terminator("\r\n\r\n");
    events.map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn answers_on_the_wire() {
    let json = || with("generationConfig", json!({"responseMimeType": "application/json"}));
    let short = || with("generationConfig", json!({"maxOutputTokens": 1}));
    let table = [
        ("echo+think=2", STREAM, ask(), "gemini/think.stream"),
        ("echo+think=2", ARRAY, ask(), "gemini/think.array"),
        ("echo+think=2", WHOLE, ask(), "gemini/think.json"),
        ("tool", STREAM, with_tool(), "gemini/tool.stream"),
        ("tool", WHOLE, with_tool(), "gemini/tool.json"),
        ("echo", STREAM, json(), "gemini/json.stream"),
        ("echo", STREAM, short(), "gemini/length.stream"),
        ("echo+overload=1", STREAM, ask(), "gemini/overload.stream"),
        ("echo+cut=1", STREAM, ask(), "gemini/cut.stream"),
        ("echo+cut=1", ARRAY, ask(), "gemini/cut.array"),
        ("echo+malformed", STREAM, ask(), "gemini/malformed.stream"),
    ];
    for (model, method, request, file) in table {
        assert_wire(&path(model, method), &request, file).await;
    }
}

#[tokio::test]
async fn an_array_has_the_chunks_of_the_stream() {
    let gateway = gateway().await;
    for model in ["lorem+think=3", "lorem+overload=4", "lorem+tps=1000"] {
        let stream = post(&gateway, &path(model, STREAM), "", &ask()).await;
        let array = post(&gateway, &path(model, ARRAY), "", &ask()).await;

        assert_eq!(stream.header("content-type"), Some("text/event-stream"));
        assert_eq!(array.header("content-type"), Some("application/json; charset=UTF-8"));
        assert_eq!(chunks(&stream), chunks(&array), "{model}");
    }
}

#[tokio::test]
async fn a_name_survives_the_path() {
    let gateway = gateway().await;
    let name = "lorem+ttft=1ms+fail=500:0.0";
    for written in [name, "lorem%2Bttft%3D1ms%2Bfail%3D500%3A0%2E0"] {
        let reply = post(&gateway, &path(written, WHOLE), "", &ask()).await;
        assert_eq!((reply.status, &reply.json()["modelVersion"]), (200, &name.into()), "{written}");
    }
    assert_eq!(gateway.stats().models[name].calls, 2);
}

#[tokio::test]
async fn failures_are_googles() {
    let gateway = gateway().await;
    let table = [
        ("echo+fail=429:1+retry-after=2", WHOLE, 429, "RESOURCE_EXHAUSTED"),
        ("echo+overload=1", WHOLE, 503, "UNAVAILABLE"),
        ("echo+nostream", STREAM, 404, "NOT_FOUND"),
        ("echo+onlystream", WHOLE, 400, "INVALID_ARGUMENT"),
        ("gemini-flash", STREAM, 404, "NOT_FOUND"),
        ("echo", "countTokens", 404, "NOT_FOUND"),
    ];
    for (model, method, status, name) in table {
        let reply = post(&gateway, &path(model, method), "", &ask()).await;
        let error = &reply.json()["error"];
        assert_eq!((reply.status, &error["code"]), (status, &status.into()), "{model}");
        assert_eq!((&error["status"], reply.header("retry-after")), (&name.into(), None), "{model}");
    }
    let nobody = post(&gateway, &path("echo", WHOLE), "", &json!({})).await;
    assert_eq!((nobody.status, &nobody.json()["error"]["status"]), (400, &"INVALID_ARGUMENT".into()));
}
