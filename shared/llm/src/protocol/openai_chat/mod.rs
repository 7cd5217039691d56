//! OpenAI chat completions, and the servers that speak it: `POST {base}/chat/completions`.
//!
//! Source: OpenAI's API reference, "Create chat completion", "The chat completion chunk object" and "Error
//! codes".

mod answer;
mod buffered;
mod error;
mod request;
mod stream;

use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE, InvalidHeaderValue},
};

use super::{Decoder, ErrorAnswer, Form, Protocol, Wire};
use crate::{ChatRequest, ChatResponse, ModelError};

/// Whose dialect of the protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's own: an unknown parameter is an error there.
    OpenAi,
    /// What vLLM, TGI, Ollama, llama.cpp and most others understand.
    Compatible,
}

#[derive(Clone, Copy, Debug)]
pub struct OpenAiChat {
    pub dialect: Dialect,
}

impl Protocol for OpenAiChat {
    fn headers(&self, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = api_key {
            let mut bearer = HeaderValue::try_from(format!("Bearer {key}"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }

    fn encode(&self, request: &ChatRequest, form: Form) -> Result<Wire, ModelError> {
        let body = request::body(request, self.dialect, form);
        Ok(Wire { path: "chat/completions".to_owned(), query: None, body })
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<stream::ChunkDecoder>::default()
    }

    fn buffered(&self, body: &[u8]) -> Result<ChatResponse, ModelError> {
        buffered::read(body)
    }

    fn error(&self, answer: &ErrorAnswer<'_>) -> ModelError {
        error::read(answer)
    }
}
