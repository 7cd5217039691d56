use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Api};
use crate::{QUESTION, Subject};

pub const API: Api = Api { request, read };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    candidates: Vec<Candidate>,
    usage_metadata: Option<UsageMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Content,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    candidates_token_count: Option<u64>,
}

fn request(http: &Client, base_url: &str, subject: Subject) -> RequestBuilder {
    let method = if subject.streams { "streamGenerateContent?alt=sse" } else { "generateContent" };
    let body = json!({"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]});
    let url = format!("{base_url}/models/{}:{method}", subject.model());
    http.post(url).header("x-goog-api-key", "sk-bench").json(&body)
}

fn read(data: &[u8], answer: &mut Answer) {
    let chunk: Chunk = serde_json::from_slice(data).unwrap();
    for candidate in chunk.candidates {
        for part in candidate.content.parts {
            answer.text.push_str(&part.text.unwrap_or_default());
        }
        answer.finish = candidate.finish_reason.or(answer.finish.take());
    }
    answer.tokens = chunk.usage_metadata.and_then(|usage| usage.candidates_token_count).or(answer.tokens);
}
