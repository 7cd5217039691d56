use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::needles::{HEADER, KEY};

/// A model server that repeats the key and the headers in all its answers and errors, as providers do.
pub struct EchoServer {
    pub base_url: String,
    got_both: Arc<AtomicBool>,
}

impl EchoServer {
    /// Names of models, each of which answers or fails in the way that its name describes. The one that pauses the runs
    /// of the provider comes last.
    pub const MODELS: &[&str] =
        &["answer", "stream", "400", "429", "500", "page", "not-json", "event", "truncated", "401"];
    /// Name of the other model that pauses the runs of its provider.
    pub const FORBIDDEN: &str = "403";

    pub async fn start() -> Self {
        let got_both = Arc::new(AtomicBool::new(false));
        let router = Router::new().route("/v1/chat/completions", post(echo)).with_state(got_both.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { base_url, got_both }
    }

    pub fn got_key_and_header(&self) -> bool {
        self.got_both.load(Ordering::SeqCst)
    }
}

async fn echo(
    State(got_both): State<Arc<AtomicBool>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (key, team) = (text("authorization"), text("x-team"));
    got_both.fetch_or(key.ends_with(KEY) && team == HEADER, Ordering::SeqCst);
    let said = format!("Incorrect API key provided: {key}. You can find yours under team \"{team}\".");
    let error =
        json!({"error": {"message": said, "type": "invalid_request_error", "param": key, "code": team}});
    let as_type =
        |content_type: &'static str, text: String| ([(CONTENT_TYPE, content_type)], text).into_response();
    match body["model"].as_str().unwrap_or_default() {
        "answer" => as_type("application/json", answer(&said, key).to_string()),
        "stream" => as_type("text/event-stream", streamed(&said)),
        "page" => (StatusCode::BAD_GATEWAY, as_type("text/html", format!("<h1>{said}</h1>"))).into_response(),
        "not-json" => as_type("application/json", said),
        "event" => as_type("text/event-stream", format!("data: {error}\n\n")),
        "truncated" => as_type("text/event-stream", format!("data: {{\"id\": \"{said}\n\n")),
        status => {
            let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
            (status.expect("models are named after statuses"), Json(error)).into_response()
        }
    }
}

/// Returns an answer with `said` in every text that it has.
fn answer(said: &str, model: &str) -> Value {
    let token = json!({"token": said, "logprob": -0.1, "top_logprobs": [{"token": said, "logprob": -0.1}]});
    let function = json!({"name": said, "arguments": json!({"said": said}).to_string()});
    let message = json!({"role": "assistant", "content": said, "reasoning_content": said,
        "tool_calls": [{"id": said, "type": "function", "function": function}]});
    json!({
        "id": said, "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, "logprobs": {"content": [token]}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 9},
    })
}

/// Returns an answer in pieces of seven bytes, so that each secret is in several.
fn streamed(said: &str) -> String {
    let pieces: Vec<_> = said.as_bytes().chunks(7).map(String::from_utf8_lossy).collect();
    let mut deltas = Vec::new();
    for name in ["reasoning_content", "content"] {
        deltas.extend(pieces.iter().map(|piece| json!({"choices": [{"index": 0, "delta": {name: piece}}]})));
    }
    deltas.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 9}}));
    let events: Vec<_> = deltas.iter().map(|event| format!("data: {event}\n\n")).collect();
    events.concat() + "data: [DONE]\n\n"
}
