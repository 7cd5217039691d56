//! Anthropic's Messages API, which other servers offer, too: `POST {base}/messages`.
//!
//! Source: Anthropic's API reference, "Create a Message", "Streaming Messages", "Errors" and "Versions"; the
//! types of its own clients.

mod answer;
mod buffered;
mod error;
mod model;
mod request;
mod stream;
mod thinking;
mod tools;
mod usage;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_TYPE, InvalidHeaderValue},
};

use super::{Decoder, ErrorAnswer, Form, Protocol, UnusableAnswer, WireRequest};
use crate::{ChatRequest, ChatResponse, ModelError};

#[derive(Clone, Copy, Debug)]
pub struct AnthropicMessages;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

impl Protocol for AnthropicMessages {
    fn headers(&self, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(VERSION, HeaderValue::from_static("2023-06-01"));
        if let Some(key) = api_key {
            let mut key = HeaderValue::try_from(key)?;
            key.set_sensitive(true);
            headers.insert(API_KEY, key);
        }
        Ok(headers)
    }

    fn encode(&self, request: &ChatRequest, form: Form) -> Result<WireRequest, ModelError> {
        let body = request::body(request, form)?;
        Ok(WireRequest { path: "messages".to_owned(), query: None, body })
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<stream::EventDecoder>::default()
    }

    fn buffered(&self, body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
        buffered::read(body)
    }

    fn error(&self, answer: &ErrorAnswer<'_>) -> ModelError {
        error::read(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_in_a_header_of_its_own_and_is_not_shown() {
        let headers = AnthropicMessages.headers(Some("sk-ant-secret")).unwrap();
        assert_eq!(headers["x-api-key"], "sk-ant-secret");
        assert_eq!(headers["anthropic-version"], "2023-06-01");
        assert!(!format!("{headers:?}").contains("secret"));
        assert!(!AnthropicMessages.headers(None).unwrap().contains_key("x-api-key"));
    }
}
