//! WireRequest protocols, as pure functions: from a request to bytes, from bytes to an answer or an error.
//!
//! Nothing here does I/O or reads a clock; what a protocol cannot know comes in. A new protocol is one
//! folder with one [`Protocol`].

pub mod anthropic_messages;
mod delay;
mod draft;
pub mod gemini;
mod image;
mod openai;
pub mod openai_chat;
pub mod openai_responses;
mod status;
mod text;
mod turn;

use std::time::Duration;

use http::{HeaderMap, header::InvalidHeaderValue};
use runmill_proto::Usage;

pub use openai::Dialect;

use crate::{ChatRequest, ChatResponse, ModelError, sse::SseEvent};

/// How to ask and how to read.
pub trait Protocol: Send + Sync {
    /// What goes out with every request: authorization, content type, the protocol's version.
    fn headers(&self, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue>;

    fn encode(&self, request: &ChatRequest, form: Form) -> Result<WireRequest, ModelError>;

    /// For one streamed answer.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// Reads an answer that came in one piece with a status of 2xx.
    fn buffered(&self, body: &[u8]) -> Result<ChatResponse, UnusableAnswer>;

    /// Reads an answer with any other status.
    fn error(&self, answer: &ErrorAnswer<'_>) -> ModelError;
}

/// Why a buffered answer is of no use, and what it cost all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableAnswer {
    pub error: ModelError,
    pub usage: Option<Usage>,
}

/// An answer that counts nothing, or nothing that can be read.
impl From<ModelError> for UnusableAnswer {
    fn from(error: ModelError) -> Self {
        Self { error, usage: None }
    }
}

/// Reads one streamed answer, event by event.
pub trait Decoder: Send {
    /// Takes the next event. After [`Step::Complete`] or an error there is nothing more to ask.
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError>;

    /// The bytes ended and no event was [`Step::Complete`]. An error, unless the protocol has no terminator.
    fn end(&mut self) -> Result<ChatResponse, ModelError>;

    /// The answer is whole if nothing more comes. Only a protocol without a terminator knows such a moment.
    fn is_whole(&self) -> bool {
        false
    }

    /// What the provider has counted so far.
    fn usage(&self) -> Option<Usage>;
}

/// What an event meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing that a person would see.
    Quiet,
    /// Part of the answer, reasoning included.
    Token,
    /// The terminator: here is the whole answer.
    Complete(ChatResponse),
}

/// In which form to ask, for providers differ in what they accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    pub stream: bool,
    /// Ask for the usage of a stream. Without this option some providers do not tell it.
    pub stream_options: bool,
    /// Name the limit of tokens the other way: of `max_tokens` and `max_completion_tokens`, a server knows one.
    pub other_token_limit: bool,
}

/// `model` without the prefix by which LiteLLM names a provider, if it has one of `prefixes`.
fn without_prefix<'a>(model: &'a str, prefixes: &[&str]) -> &'a str {
    prefixes.iter().find_map(|prefix| model.strip_prefix(prefix)).unwrap_or(model)
}

/// Streaming first, with usage.
impl Default for Form {
    fn default() -> Self {
        Self { stream: true, stream_options: true, other_token_limit: false }
    }
}

/// A request, ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireRequest {
    /// After the base URL, without a slash in front.
    pub path: String,
    /// `name=value`, beside what the base URL has.
    pub query: Option<&'static str>,
    /// JSON.
    pub body: Vec<u8>,
}

/// An answer that is no answer.
#[derive(Clone, Copy, Debug)]
pub struct ErrorAnswer<'a> {
    pub status: u16,
    pub body: &'a [u8],
    /// The form of the request.
    pub form: Form,
    /// The delay that the headers ask for.
    pub after: Option<Duration>,
    /// What the header `x-should-retry` says, by which OpenAI overrides the meaning of a status.
    pub should_retry: Option<bool>,
}
