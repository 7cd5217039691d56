use runmill_gateway::Gateway;
use serde_json::{Value, json};

use crate::client::{ask, ask_stream, assert_wire, chat, gateway, post};

const PATH: &str = "/v1/chat/completions";

fn with_tool(mut request: Value) -> Value {
    request["tools"] = json!([{"type": "function", "function": {"name": "look_up", "parameters": {}}}]);
    request
}

fn as_json(mut request: Value) -> Value {
    request["response_format"] = json!({"type": "json_object"});
    request
}

#[tokio::test]
async fn answers_on_the_wire() {
    let table = [
        (ask_stream("echo+think=2", "say \"hi\""), "chat/think.stream"),
        (ask("echo+think=2", "say \"hi\""), "chat/think.json"),
        (with_tool(ask_stream("tool", "a b")), "chat/tool.stream"),
        (with_tool(ask("tool", "a b")), "chat/tool.json"),
        (as_json(ask_stream("echo", "a b")), "chat/json.stream"),
        (as_json(ask("echo", "a b")), "chat/json.json"),
        (ask_stream("echo+overload=1", "a b"), "chat/overload.stream"),
        (ask_stream("echo+cut=1", "a b"), "chat/cut.stream"),
        (ask_stream("echo+malformed", "a b"), "chat/malformed.stream"),
    ];
    for (request, file) in table {
        assert_wire(PATH, &request, file).await;
    }
}

#[tokio::test]
async fn usage_is_streamed_only_when_it_is_asked_for() {
    let mut request = ask("echo", "a b");
    request["stream"] = true.into();

    let reply = chat(&gateway().await, "", &request).await;

    assert_eq!((reply.streamed_text(), reply.body.contains("usage")), ("a b".to_owned(), false));
}

#[tokio::test]
async fn a_model_that_only_streams_refuses_the_rest() {
    let gateway = gateway().await;

    let buffered = chat(&gateway, "", &ask("echo+onlystream", "hi")).await;
    let streamed = chat(&gateway, "", &ask_stream("echo+onlystream", "hi")).await;

    assert_eq!((buffered.status, streamed.streamed_text()), (400, "hi".to_owned()));
    let error = &buffered.json()["error"];
    assert_eq!(error["code"], "invalid_parameter_error");
    assert!(error["message"].as_str().unwrap().contains("only support stream mode"));
}

#[tokio::test]
async fn a_model_that_knows_no_stream_options_refuses_them() {
    let gateway = gateway().await;
    let mut without = ask_stream("echo+nostreamoptions", "hi");
    without.as_object_mut().unwrap().remove("stream_options");

    let with = chat(&gateway, "", &ask_stream("echo+nostreamoptions", "hi")).await;

    assert_eq!((with.status, with.json()["error"]["code"].clone()), (400, "unknown_parameter".into()));
    assert_eq!(with.json()["error"]["param"], "stream_options");
    assert_eq!(chat(&gateway, "", &without).await.streamed_text(), "hi");
}

#[tokio::test]
async fn an_overloaded_model_says_so_in_the_status_when_it_can() {
    let reply = chat(&gateway().await, "", &ask("echo+overload=1+retry-after=2", "a b")).await;

    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("2")));
    assert_eq!(reply.json()["error"]["type"], "overloaded_error");
}

async fn deployed(gateway: &Gateway, deployment: &str) -> (u16, Value) {
    let path = format!("/openai/deployments/{deployment}/chat/completions?api-version=2024-10-21");
    let request = json!({"messages": [{"role": "user", "content": "hi"}]});
    let reply = post(gateway, &path, "api-key: sk-secret\r\n", &request).await;
    (reply.status, reply.json())
}

#[tokio::test]
async fn azure_has_the_model_in_the_path_and_the_key_in_its_own_header() {
    let gateway = gateway().await;
    for name in ["echo+ttft=1ms+fail=500:0.0", "echo%2Bttft%3D1ms%2Bfail=500%3A0.0"] {
        let (status, json) = deployed(&gateway, name).await;
        assert_eq!((status, json["model"].clone()), (200, "echo+ttft=1ms+fail=500:0.0".into()));
    }

    assert_eq!(deployed(&gateway, "gpt-4o").await.0, 404);
    assert_eq!(gateway.stats().keys["key-746b4ad1"].calls, 3);
}
