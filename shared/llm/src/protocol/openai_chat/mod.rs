//! OpenAI's chat completions, which many servers offer: `POST {base}/chat/completions`.
//!
//! Source: OpenAI's API reference, "Create chat completion", "The chat completion chunk object" and "Error
//! codes".

mod answer;
mod buffered;
mod content;
mod request;
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
pub struct OpenAiChat {
    pub dialect: Dialect,
}

impl OpenAiChat {
    /// Returns the protocol in the dialect of the provider with this base URL.
    pub fn for_provider(kind: ProviderKind, base_url: &Url) -> Self {
        Self { dialect: Dialect::at(kind, base_url) }
    }
}

impl Protocol for OpenAiChat {
    fn headers(&self, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
        openai::headers(self.dialect, api_key)
    }

    fn encode(&self, request: &ChatRequest, form: Form) -> Result<WireRequest, ModelError> {
        request::PLACES.check(&request.messages)?;
        let path = self.dialect.path_of(self.dialect.model(&request.model, form), "chat/completions");
        let body = request::body(request, self.dialect, form);
        Ok(WireRequest { path, query: None, body })
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<stream::ChunkDecoder>::default()
    }

    fn buffered(&self, body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
        buffered::read(body)
    }

    fn error(&self, answer: &ErrorAnswer<'_>) -> ModelError {
        error::read(answer)
    }
}
