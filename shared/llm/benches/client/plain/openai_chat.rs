use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Api};
use crate::{QUESTION, Subject};

pub const API: Api = Api { request, read };

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "message")]
    delta: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    completion_tokens: u64,
}

fn request(http: &Client, base_url: &str, subject: Subject) -> RequestBuilder {
    let mut body = json!({"model": subject.model(), "messages": [{"role": "user", "content": QUESTION}]});
    if subject.streams {
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
    }
    http.post(format!("{base_url}/chat/completions")).bearer_auth("sk-bench").json(&body)
}

fn read(data: &[u8], answer: &mut Answer) {
    if data == b"[DONE]" {
        return;
    }
    let chunk: Chunk = serde_json::from_slice(data).unwrap();
    for choice in chunk.choices {
        answer.text.push_str(&choice.delta.content.unwrap_or_default());
        answer.finish = choice.finish_reason.or(answer.finish.take());
    }
    answer.tokens = chunk.usage.map(|usage| usage.completion_tokens).or(answer.tokens);
}
