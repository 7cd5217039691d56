//! Files and batches of clients.

mod expiring;
mod files;
mod messages;
mod openai;
mod refusing;
mod repeating;
mod seeing;

use reqwest::{Method, RequestBuilder};
use runmill_proto::{
    ErrorKind, InvocationId, Outcome, RunId, Usage,
    chat::Finish,
    message::{Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::Server;

pub const CHAT: &str = "/v1/chat/completions";

/// Makes a line of a file for chat completions.
pub fn line(custom_id: &str) -> String {
    line_of(custom_id, CHAT, "m")
}

pub fn line_of(custom_id: &str, url: &str, model: &str) -> String {
    let messages = json!([{"role": "user", "content": "1+1"}]);
    let body = json!({"model": model, "messages": messages, "logprobs": true});
    json!({"custom_id": custom_id, "method": "POST", "url": url, "body": body}).to_string()
}

/// Makes a multipart form of fields, of which `file` is one with a name.
pub fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let part = |(name, value): &(&str, &str)| {
        let file = if *name == "file" { "; filename=\"upload.jsonl\"" } else { "" };
        format!("--bound\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body: Vec<_> = fields.iter().map(part).collect();
    let body = body.concat() + "--bound--\r\n";
    request.header("content-type", "multipart/form-data; boundary=bound").body(body)
}

impl Server {
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// Sends the request, which must succeed.
    pub async fn answer(&self, request: RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Sends the request, which must be refused with `status`. Returns the error of the body.
    pub async fn refusal(&self, status: u16, request: RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        let found = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        assert_eq!(found, status, "{body}");
        assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string(), "{body}");
        body["error"].clone()
    }

    pub async fn text(&self, path: &str) -> String {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "GET {path}");
        response.text().await.unwrap()
    }

    /// Reads the lines of a file.
    pub async fn lines(&self, file: &Value) -> Vec<Value> {
        let path = format!("/v1/files/{}/content", file.as_str().unwrap());
        let text = self.text(&path).await;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub async fn new_provider(&self) -> Value {
        let provider = json!({"name": "ours", "kind": "custom", "base_url": "http://127.0.0.1:9/v1"});
        self.created(self.post("/providers").json(&provider)).await
    }

    /// Uploads a file of lines. Returns its id.
    pub async fn upload(&self, lines: &[String]) -> Value {
        let file = lines.join("\n") + "\n";
        let request = form(self.post("/v1/files"), &[("purpose", "batch"), ("file", &file)]);
        self.answer(request).await["id"].clone()
    }

    pub fn batch_request(&self, file: &Value) -> RequestBuilder {
        let body = json!({"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"});
        self.post("/v1/batches").json(&body)
    }

    /// Makes a batch of a provider's with lines that have these ids.
    pub async fn batch(&self, custom_ids: &[&str]) -> Value {
        self.new_provider().await;
        let lines: Vec<_> = custom_ids.iter().map(|id| line(id)).collect();
        let file = self.upload(&lines).await;
        self.answer(self.batch_request(&file)).await
    }

    pub async fn batch_again(&self, batch: &Value) -> Value {
        self.get(&format!("/v1/batches/{}", batch["id"].as_str().unwrap())).await
    }

    /// Lets all jobs of a batch's run be in the queue.
    pub async fn all_fed(&self, batch: &Value) -> RunId {
        let id: RunId = batch["runmill"]["run_id"].as_str().unwrap().parse().unwrap();
        let total = self.store.run(id).await.unwrap().total;
        self.store.mark_fed(id, total, &[], self.clock.now()).await.unwrap();
        id
    }

    /// Records the ends of jobs.
    pub async fn settle(&self, ends: impl IntoIterator<Item = Invocation>) {
        let entries = ends.into_iter().map(|end| LogEntry::Invocation(Box::new(end))).collect();
        self.store.write_logs(&LogBatch(entries), self.clock.now()).await.unwrap();
    }
}

/// Returns an answer to the line at `ordinal`.
pub fn answered(run_id: RunId, ordinal: u32, text: &str) -> Invocation {
    Invocation {
        response: Some(text.into()),
        finish: Some(Finish::Stop),
        answer_usage: Some(Usage { prompt_tokens: 3, completion_tokens: 1, ..Usage::default() }),
        ..ended(run_id, ordinal, Outcome::Succeeded)
    }
}

pub fn failed(run_id: RunId, ordinal: u32) -> Invocation {
    Invocation {
        error_kind: Some(ErrorKind::ContextLength),
        error: Some("This model's maximum context length is 8 tokens.".into()),
        ..ended(run_id, ordinal, Outcome::Failed)
    }
}

pub fn ended(run_id: RunId, ordinal: u32, outcome: Outcome) -> Invocation {
    let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
    testing::invocation(JobKey { run_id, ordinal, sample: 0 }, call, outcome)
}
