//! Wire protocols as pure functions: from a request to bytes, and from bytes to an answer or an error.
//!
//! Nothing here does I/O or reads a clock. To add a protocol, add a folder with an implementation of [`Protocol`].

mod answer_stream;
pub mod anthropic_messages;
mod cause;
mod delay;
mod draft;
mod ending;
mod form;
pub mod gemini;
mod image;
mod left_out;
mod lenient;
mod openai;
pub mod openai_chat;
pub mod openai_responses;
mod oversize;
mod places;
mod refusal;
mod status;
mod tally;
mod text;
mod turn;

use std::time::Duration;

use http::{HeaderMap, header::InvalidHeaderValue};
use runmill_proto::chat::Delta;
use serde::Serialize;
use serde_json::{Map, Value};

pub use answer_stream::AnswerStream;
pub use form::Form;
pub(crate) use left_out::left_out;
pub use openai::Dialect;

use crate::{ChatRequest, ChatResponse, Metered, ModelError, sse::SseEvent};

/// Writes the requests and reads the answers of one wire protocol.
pub trait Protocol: Send + Sync {
    /// Returns the headers of every request: authorization, content type, the protocol's version.
    fn headers(&self, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue>;

    /// Writes a request in a form. The request's system prompt must be where the form has it: see
    /// [`ChatRequest::in_form`].
    fn encode(&self, request: &ChatRequest, form: Form) -> Result<WireRequest, ModelError>;

    /// Returns a decoder for one streamed answer.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// Reads a buffered answer with a status of 2xx.
    fn buffered(&self, body: &[u8]) -> Result<ChatResponse, UnusableAnswer>;

    /// Reads an answer with any other status.
    fn error(&self, answer: &ErrorAnswer<'_>) -> ModelError;
}

/// A buffered answer that cannot be used. Its tokens may have been billed nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableAnswer {
    pub error: ModelError,
    pub usage: Box<Metered>,
}

/// Converts the error of an answer without a usage that can be read.
impl From<ModelError> for UnusableAnswer {
    fn from(error: ModelError) -> Self {
        Self { error, usage: Box::default() }
    }
}

/// Reads one streamed answer, event by event.
pub trait Decoder: Send {
    /// Reads the next event. Must not be called again after [`Step::Complete`] or an error.
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError>;

    /// Ends the answer when the body ended before [`Step::Complete`]. Returns an error if no reason to stop was told.
    fn end(&mut self) -> Result<ChatResponse, ModelError>;

    /// Returns the parts of the answer that arrived since the last call. They are followed from the first call on, which
    /// therefore comes before the first event. A tool call has the number in the order of arrival.
    fn news(&mut self) -> Delta;

    /// Returns how much of the answer has arrived.
    fn progress(&self) -> Progress;

    /// Returns the tokens that the provider has counted so far.
    fn usage(&self) -> Metered;
}

/// Part of a streamed answer that has arrived before its terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Parts of the answer are missing.
    Partial,
    /// The reason to stop has arrived. Usually token counts and the terminator follow.
    Stopped,
    /// The answer is whole even if the connection breaks: only a terminator can follow, if the protocol has one.
    Whole,
}

/// Effect of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The event contains no part of the answer.
    Quiet,
    /// The event contains a part of the answer or of the reasoning.
    Token,
    /// The event is the terminator. Holds the whole answer.
    Complete(Box<ChatResponse>),
}

/// Returns `model` without the prefix of a provider in LiteLLM's names, if it has one of `prefixes`.
fn without_prefix<'a>(model: &'a str, prefixes: &[&str]) -> &'a str {
    prefixes.iter().find_map(|prefix| model.strip_prefix(prefix)).unwrap_or(model)
}

/// Returns the request's body as JSON. The values of `extra`, which the user gives, take the place of those of `body`.
fn json(body: &impl Serialize, extra: &Map<String, Value>) -> Vec<u8> {
    const ALWAYS: &str = "texts, numbers and lists are always JSON";
    if extra.is_empty() {
        return serde_json::to_vec(body).expect(ALWAYS);
    }
    let mut body = serde_json::to_value(body).expect(ALWAYS);
    if let Value::Object(fields) = &mut body {
        fields.extend(extra.clone());
    }
    serde_json::to_vec(&body).expect(ALWAYS)
}

/// Path, query and body of a request, ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireRequest {
    /// Path after the base URL's own, without a slash in front.
    pub path: String,
    /// Query as `name=value`, which is added to the base URL's query.
    pub query: Option<&'static str>,
    /// Body as JSON text.
    pub body: Vec<u8>,
}

/// An answer with an error status.
#[derive(Clone, Copy, Debug)]
pub struct ErrorAnswer<'a> {
    pub status: u16,
    pub body: &'a [u8],
    /// Form of the request.
    pub form: Form,
    /// True to look for another form in which the provider may accept the request.
    pub fixable: bool,
    /// Delay that the headers ask for.
    pub after: Option<Duration>,
    /// Value of the header `x-should-retry`, by which OpenAI overrides the meaning of a status.
    pub should_retry: Option<bool>,
}
