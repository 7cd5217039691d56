use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A model server behind a firewall that refuses the requests with one text.
pub struct Firewall {
    pub base_url: String,
}

impl Firewall {
    pub async fn start(refused: &'static str) -> Self {
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(refused);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { base_url }
    }
}

async fn answer(State(refused): State<&'static str>, Json(body): Json<Value>) -> Response {
    if body["messages"].to_string().contains(refused) {
        let page = "<html><head><title>403 Forbidden</title></head></html>";
        return (StatusCode::FORBIDDEN, [(CONTENT_TYPE, "text/html")], page).into_response();
    }
    let message = json!({"role": "assistant", "content": "4"});
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 1});
    let choices = json!([{"index": 0, "finish_reason": "stop", "message": message}]);
    Json(json!({"choices": choices, "usage": usage})).into_response()
}
