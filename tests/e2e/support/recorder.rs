use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, header::AUTHORIZATION},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    time::{Duration, Instant, sleep},
};

/// A model server that records the key, the header, the messages and the time of each call, which the gateway does not show.
pub struct Recorder {
    pub base_url: String,
    calls: Calls,
}

/// A recorded call.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub began: Instant,
    /// Bearer token of the call.
    pub key: String,
    /// Header `x-team` of the call.
    pub team: String,
    pub messages: Value,
    /// Time after which the caller gave up. `None` if the call was answered or is still open.
    pub gave_up_after: Option<Duration>,
    pub is_over: bool,
}

/// Duration of each answer. A model with the name `hang` never answers.
const ANSWER_TIME: Duration = Duration::from_millis(20);

type Calls = Arc<Mutex<Vec<Recorded>>>;

impl Recorder {
    pub async fn start() -> Self {
        let calls = Calls::default();
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(calls.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { base_url, calls }
    }

    /// Returns all calls that began at `since` or later.
    pub fn calls_since(&self, since: Instant) -> Vec<Recorded> {
        self.calls.lock().unwrap().iter().filter(|call| call.began >= since).cloned().collect()
    }

    pub fn in_flight(&self) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| !call.is_over).count()
    }
}

async fn answer(State(calls): State<Calls>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let key = text(AUTHORIZATION.as_str()).trim_start_matches("Bearer ").to_owned();
    let (began, team) = (Instant::now(), text("x-team"));
    let request: Value = serde_json::from_slice(&body).unwrap();
    let messages = request["messages"].clone();
    let recorded = Recorded { began, key, team, messages, gave_up_after: None, is_over: false };
    let index = {
        let mut calls = calls.lock().unwrap();
        calls.push(recorded);
        calls.len() - 1
    };
    let mut open = Open { calls: calls.clone(), index, answered: false };
    if request["model"] == "hang" {
        std::future::pending::<()>().await;
    }
    sleep(ANSWER_TIME).await;
    open.answered = true;
    Json(json!({
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }))
}

/// A call that has not ended. It is dropped without an answer when the caller hangs up.
struct Open {
    calls: Calls,
    index: usize,
    answered: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut calls = self.calls.lock().unwrap();
        let call = &mut calls[self.index];
        call.is_over = true;
        call.gave_up_after = (!self.answered).then(|| call.began.elapsed());
    }
}
