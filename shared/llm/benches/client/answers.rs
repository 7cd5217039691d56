//! The prepared answers, in the format of each protocol's vendor.

mod anthropic_messages;
mod gemini;
mod openai_chat;
mod openai_responses;

use std::fmt::Write;

use runmill_proto::api::ProviderProtocol;
use serde_json::Value;

use crate::{Subject, TOKENS};

const TOKEN: &str = " word";

/// Returns the whole answer to a request, head and body.
pub fn prepared(subject: Subject) -> Vec<u8> {
    let text = TOKEN.repeat(TOKENS);
    let (whole, stream) = match subject.protocol {
        ProviderProtocol::OpenaiChat => (openai_chat::whole(&text), openai_chat::stream()),
        ProviderProtocol::AnthropicMessages => {
            (anthropic_messages::whole(&text), anthropic_messages::stream())
        }
        ProviderProtocol::Gemini => (gemini::whole(&text), gemini::stream()),
        ProviderProtocol::OpenaiResponses => {
            (openai_responses::whole(&text), openai_responses::stream(&text))
        }
    };
    let answer = if subject.streams { chunked(&stream) } else { in_one_piece(&whole) };
    answer.into()
}

fn in_one_piece(body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Writes each event as a chunk of its own, as servers do, although all of them arrive together.
fn chunked(events: &[String]) -> String {
    let mut answer =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for event in events {
        write!(answer, "{:x}\r\n{event}\r\n", event.len()).unwrap();
    }
    answer + "0\r\n\r\n"
}

fn unnamed(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Writes an event whose name is the type in its data.
fn named(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}
