//! A caller without a client library, in a few lines: reqwest, a loop over the lines of the stream, and `serde_json`
//! into structs for the text, the finish reason and the usage. It has no time-out, retry, size limit, metrics or log,
//! and accepts an answer without its terminator.

mod anthropic_messages;
mod gemini;
mod openai_chat;
mod openai_responses;

use reqwest::{Client, RequestBuilder};
use runmill_proto::api::ProviderProtocol;

use crate::{Subject, TOKENS, cost::Call};

pub struct Plain {
    http: Client,
    base_url: String,
    subject: Subject,
    /// True if the answer is read, false if only its bytes are counted.
    reads: bool,
    api: Api,
}

/// The parts of a protocol that the loop needs.
struct Api {
    /// Builds a request from the base URL.
    request: fn(&Client, &str, Subject) -> RequestBuilder,
    /// Reads the data of an event, or a buffered answer.
    read: fn(&[u8], &mut Answer),
}

/// The parts of an answer that are read.
#[derive(Default)]
struct Answer {
    text: String,
    finish: Option<String>,
    tokens: Option<u64>,
}

impl Plain {
    pub fn new(subject: Subject, server: &str, reads: bool) -> Self {
        let http = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let api = match subject.protocol {
            ProviderProtocol::OpenaiChat => openai_chat::API,
            ProviderProtocol::AnthropicMessages => anthropic_messages::API,
            ProviderProtocol::Gemini => gemini::API,
            ProviderProtocol::OpenaiResponses => openai_responses::API,
        };
        Self { http, base_url: subject.base_url(server), subject, reads, api }
    }

    fn request(&self) -> RequestBuilder {
        (self.api.request)(&self.http, &self.base_url, self.subject)
    }

    async fn ask(&self) -> Answer {
        let mut response = self.request().send().await.unwrap().error_for_status().unwrap();
        let mut answer = Answer::default();
        if !self.subject.streams {
            (self.api.read)(&response.bytes().await.unwrap(), &mut answer);
            return answer;
        }
        let mut unread = Vec::new();
        while let Some(piece) = response.chunk().await.unwrap() {
            unread.extend_from_slice(&piece);
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                if let Some(data) = unread[..end].strip_prefix(b"data: ") {
                    (self.api.read)(data, &mut answer);
                }
                unread.drain(..=end);
            }
        }
        answer
    }

    async fn count(&self) -> usize {
        let mut response = self.request().send().await.unwrap();
        let mut length = 0;
        while let Some(piece) = response.chunk().await.unwrap() {
            length += piece.len();
        }
        length
    }
}

impl Call for Plain {
    async fn call(&self) {
        if !self.reads {
            assert!(self.count().await > TOKENS);
            return;
        }
        let answer = self.ask().await;
        assert_eq!(answer.text.split_whitespace().count(), TOKENS);
        assert!(answer.finish.is_some() && answer.tokens.is_some());
    }
}
