use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    time::timeout,
};

/// A model server that announces each call and answers on command.
pub struct Model {
    pub base_url: String,
    asked: mpsc::Receiver<Value>,
    answers: Arc<Semaphore>,
    text: Arc<Mutex<String>>,
}

#[derive(Clone)]
struct Desk {
    asked: mpsc::Sender<Value>,
    answers: Arc<Semaphore>,
    text: Arc<Mutex<String>>,
}

impl Model {
    pub async fn start() -> Self {
        let (sender, asked) = mpsc::channel(100);
        let answers = Arc::new(Semaphore::new(0));
        let text = Arc::new(Mutex::new("4".to_owned()));
        let desk = Desk { asked: sender, answers: answers.clone(), text: text.clone() };
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(desk);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { base_url, asked, answers, text }
    }

    /// Waits until a call arrives. Returns its body.
    pub async fn is_asked(&mut self) -> Value {
        let asked = timeout(Duration::from_secs(30), self.asked.recv()).await;
        asked.expect("the model is asked").expect("the server runs")
    }

    /// Sets the text of the next answers.
    pub fn say(&self, text: &str) {
        text.clone_into(&mut self.text.lock().unwrap());
    }

    /// Answers this many calls: first those that wait, then later ones.
    pub fn answer(&self, calls: usize) {
        self.answers.add_permits(calls);
    }

    /// Returns true if a call has arrived since the last wait.
    pub fn was_asked(&mut self) -> bool {
        self.asked.try_recv().is_ok()
    }
}

async fn answer(State(desk): State<Desk>, Json(body): Json<Value>) -> Json<Value> {
    desk.asked.send(body).await.expect("a test has few calls");
    desk.answers.acquire().await.expect("it is never closed").forget();
    let text = desk.text.lock().unwrap().clone();
    Json(json!({
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }))
}
