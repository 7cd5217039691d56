use serde_json::{Value, json};
use crate::client::*;

#[tokio::test]
async fn dump() {
    let gateway = gateway_at_seven().await;
    let models = ["echo+think=2", "tool", "echo", "echo+overload=1", "echo+cut=1", "echo+malformed", "echo+fail=429:1+retry-after=2", "echo+nostream", "echo+onlystream"];
    for model in models {
        for protocol in ["chat", "responses", "messages", "gemini", "array"] {
            for stream in [true, false] {
                let (path, mut body) = match protocol {
                    "chat" => ("/v1/chat/completions".to_owned(), ask(model, "a b")),
                    "responses" => ("/v1/responses".to_owned(), json!({"model": model, "input": "a b"})),
                    "messages" => ("/v1/messages".to_owned(), json!({"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "a b"}]})),
                    _ => {
                        let method = match (protocol, stream) { (_, false) => "generateContent", ("gemini", true) => "streamGenerateContent?alt=sse", _ => "streamGenerateContent" };
                        (format!("/v1beta/models/{model}:{method}"), json!({"contents": [{"parts": [{"text": "a b"}]}]}))
                    }
                };
                if stream && !path.contains("beta") { body["stream"] = Value::Bool(true); }
                if stream && protocol == "chat" { body["stream_options"] = json!({"include_usage": true}); }
                if model == "tool" {
                    body["tools"] = match protocol {
                        "chat" => json!([{"type": "function", "function": {"name": "f"}}]),
                        "responses" => json!([{"type": "function", "name": "f"}]),
                        "messages" => json!([{"name": "f", "input_schema": {}}]),
                        _ => json!([{"functionDeclarations": [{"name": "f"}]}]),
                    };
                }
                let reply = post(&gateway, &path, FIRST, &body).await;
                println!("== {model} {protocol} stream={stream} {} {:?} complete={}\n{}", reply.status, reply.header("content-type"), reply.complete, reply.body);
            }
        }
    }
}
