use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, Semaphore, mpsc},
    time::timeout,
};

/// Name of the model that streams, word by word on command. Others answer at once, on command.
pub const STREAMING: &str = "streaming";

/// A model server that announces each call and answers on command.
pub struct Model {
    pub base_url: String,
    asked: mpsc::Receiver<Value>,
    hung_up: mpsc::Receiver<()>,
    words: mpsc::Sender<Option<String>>,
    desk: Desk,
}

#[derive(Clone)]
struct Desk {
    asked: mpsc::Sender<Value>,
    hung_up: mpsc::Sender<()>,
    answers: Arc<Semaphore>,
    text: Arc<Mutex<String>>,
    refusal: Arc<Mutex<Option<StatusCode>>>,
    words: Arc<AsyncMutex<mpsc::Receiver<Option<String>>>>,
}

impl Model {
    pub async fn start() -> Self {
        let (sender, asked) = mpsc::channel(100);
        let (gone, hung_up) = mpsc::channel(100);
        let (words, said) = mpsc::channel(1_000);
        let desk = Desk {
            asked: sender,
            hung_up: gone,
            answers: Arc::new(Semaphore::new(0)),
            text: Arc::new(Mutex::new("4".to_owned())),
            refusal: Arc::default(),
            words: Arc::new(AsyncMutex::new(said)),
        };
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(desk.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { base_url, asked, hung_up, words, desk }
    }

    /// Waits until a call arrives. Returns its body.
    pub async fn is_asked(&mut self) -> Value {
        let asked = timeout(Duration::from_secs(30), self.asked.recv()).await;
        asked.expect("the model is asked").expect("the server runs")
    }

    /// Sets the text of the next answers.
    pub fn say(&self, text: &str) {
        text.clone_into(&mut self.desk.text.lock().unwrap());
    }

    /// Answers this many calls: first those that wait, then later ones.
    pub fn answer(&self, calls: usize) {
        self.desk.answers.add_permits(calls);
    }

    /// Refuses the next calls with this status.
    pub fn refuse(&self, status: StatusCode) {
        *self.desk.refusal.lock().unwrap() = Some(status);
    }

    /// Sends the next word of the stream.
    pub fn stream(&self, word: &str) {
        self.words.try_send(Some(word.to_owned())).unwrap();
    }

    pub fn end_stream(&self) {
        self.words.try_send(None).unwrap();
    }

    /// Waits until a client hangs up on a stream.
    pub async fn is_hung_up_on(&mut self) {
        let hung_up = timeout(Duration::from_secs(30), self.hung_up.recv()).await;
        hung_up.expect("the client hangs up").expect("the server runs");
    }

    /// Returns true if a call has arrived since the last wait.
    pub fn was_asked(&mut self) -> bool {
        self.asked.try_recv().is_ok()
    }
}

async fn answer(State(desk): State<Desk>, Json(body): Json<Value>) -> Response {
    let streams = body["model"] == STREAMING;
    desk.asked.send(body).await.expect("a test has few calls");
    if let Some(status) = *desk.refusal.lock().unwrap() {
        return (status, Json(json!({"error": {"message": "not today"}}))).into_response();
    }
    if streams {
        return streamed(desk);
    }
    desk.answers.acquire().await.expect("it is never closed").forget();
    let text = desk.text.lock().unwrap().clone();
    let answer = json!({
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    });
    Json(answer).into_response()
}

/// Tells when a stream is dropped before its end.
struct Listener {
    hung_up: Option<mpsc::Sender<()>>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(hung_up) = &self.hung_up {
            let _ended = hung_up.try_send(());
        }
    }
}

fn streamed(desk: Desk) -> Response {
    let listener = Listener { hung_up: Some(desk.hung_up.clone()) };
    let frames = stream::unfold(Some((desk, listener)), async |state| {
        let (desk, mut listener) = state?;
        let word = desk.words.lock().await.recv().await.flatten();
        Some(if let Some(word) = word {
            (Ok::<_, Infallible>(frame(&word)), Some((desk, listener)))
        } else {
            listener.hung_up = None;
            (Ok(last_frame()), None)
        })
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response()
}

fn frame(word: &str) -> String {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": word}}]});
    format!("data: {chunk}\n\n")
}

fn last_frame() -> String {
    let chunk = json!({
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    });
    format!("data: {chunk}\n\ndata: [DONE]\n\n")
}
