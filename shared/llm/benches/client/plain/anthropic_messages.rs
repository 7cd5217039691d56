use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Api};
use crate::{QUESTION, Subject};

pub const API: Api = Api { request, read };

/// An event or a buffered answer. The fields have the same names in both.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    content: Vec<Piece>,
    delta: Option<Piece>,
    stop_reason: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Piece {
    text: Option<String>,
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    output_tokens: u64,
}

fn request(http: &Client, base_url: &str, subject: Subject) -> RequestBuilder {
    let body = json!({
        "model": subject.model(), "max_tokens": 4096, "stream": subject.streams,
        "messages": [{"role": "user", "content": QUESTION}],
    });
    let request = http.post(format!("{base_url}/messages")).header("anthropic-version", "2023-06-01");
    request.header("x-api-key", "sk-bench").json(&body)
}

fn read(data: &[u8], answer: &mut Answer) {
    let event: Event = serde_json::from_slice(data).unwrap();
    answer.finish = event.stop_reason.or(answer.finish.take());
    for piece in event.content.into_iter().chain(event.delta) {
        answer.text.push_str(&piece.text.unwrap_or_default());
        answer.finish = piece.stop_reason.or(answer.finish.take());
    }
    answer.tokens = event.usage.map(|usage| usage.output_tokens).or(answer.tokens);
}
