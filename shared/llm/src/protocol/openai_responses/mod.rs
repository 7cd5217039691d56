//! OpenAI's responses API: `POST {base}/responses`.
//!
//! Source: OpenAI's API reference, "Create a model response", "The response object" and "Streaming events"; the types
//! of its Python SDK.

mod buffered;
mod item;
mod request;
mod response;
mod stream;

use http::{HeaderMap, header::InvalidHeaderValue};
use reqwest::Url;
use runmill_proto::api::ProviderKind;

use super::{
    Decoder, Dialect, ErrorAnswer, Form, Protocol, UnusableAnswer, WireRequest,
    openai::{self, error},
};
use crate::{ChatRequest, ChatResponse, ModelError};

#[derive(Clone, Copy, Debug)]
pub struct OpenAiResponses {
    pub dialect: Dialect,
}

impl OpenAiResponses {
    /// Returns the protocol in the dialect of the provider with this base URL.
    pub fn for_provider(kind: ProviderKind, base_url: &Url) -> Self {
        Self { dialect: Dialect::at(kind, base_url) }
    }
}

impl Protocol for OpenAiResponses {
    fn headers(&self, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
        openai::headers(self.dialect, api_key)
    }

    fn encode(&self, request: &ChatRequest, form: Form) -> Result<WireRequest, ModelError> {
        let body = request::body(request, self.dialect, form)?;
        Ok(WireRequest { path: self.dialect.path("responses"), query: None, body })
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
