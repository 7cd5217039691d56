use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Api};
use crate::{QUESTION, Subject};

pub const API: Api = Api { request, read };

/// An event or a buffered answer. A field that both have means the same in each.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: Option<String>,
    delta: Option<String>,
    response: Option<Response>,
    #[serde(default)]
    output: Vec<Item>,
    status: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Response {
    status: String,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    content: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    output_tokens: u64,
}

fn request(http: &Client, base_url: &str, subject: Subject) -> RequestBuilder {
    let body = json!({"model": subject.model(), "input": QUESTION, "stream": subject.streams});
    http.post(format!("{base_url}/responses")).bearer_auth("sk-bench").json(&body)
}

fn read(data: &[u8], answer: &mut Answer) {
    let event: Event = serde_json::from_slice(data).unwrap();
    if event.kind.is_none_or(|kind| kind == "response.output_text.delta") {
        answer.text.push_str(&event.delta.unwrap_or_default());
    }
    for part in event.output.into_iter().flat_map(|item| item.content) {
        answer.text.push_str(&part.text.unwrap_or_default());
    }
    let (status, usage) =
        event.response.map_or((event.status, event.usage), |it| (Some(it.status), it.usage));
    answer.finish = status.or(answer.finish.take());
    answer.tokens = usage.map(|usage| usage.output_tokens).or(answer.tokens);
}
