//! Writes the request's body. Where each parameter goes:
//!
//! | ours | on the wire |
//! | --- | --- |
//! | `temperature`, `top_p`, `stop`, the penalties, `tools`, `tool_choice`, `parallel_tool_calls` | the same |
//! | `max_new_tokens` | `max_tokens` or `max_completion_tokens`, by dialect and [`Form`] |
//! | `seed` | `seed` or `random_seed`, by dialect; left out at `DeepSeek`, which has none |
//! | `top_k`, `repetition_penalty` | the same; left out where the dialect has none; the second also as `repeat_penalty`, by dialect |
//! | `reasoning_effort` | the same, or `reasoning.effort`, by dialect; `max` is `xhigh` |
//! | `response_format` | the same; left out if it is text, which is the default |
//! | `logprobs`, `top_logprobs` | the same |
//! | `extra_body` | its values, at the top level |
//!
//! Parameters that only tune sampling are left out for servers that do not know them, by dialect and [`Form`], because
//! one configuration may be used with several providers. Parameters that change the form of the answer are always sent: a provider that
//! does not support one answers with an error.

mod message;
mod sampling;

use runmill_proto::{Fix, ResponseFormat, Tool, ToolChoice};
use serde::Serialize;

pub(super) use self::message::PLACES;
use self::{message::Message, sampling::Sampling};
use crate::{
    ChatRequest,
    protocol::{Dialect, Form, json, openai::StreamOptions},
};

pub(super) fn body(request: &ChatRequest, dialect: Dialect, form: Form) -> Vec<u8> {
    let body = Body::new(request, dialect, form);
    json(&body, &request.generation.extra_body)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(flatten)]
    sampling: Sampling<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'a ResponseFormat>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tools: &'a [Tool],
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'a ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    logprobs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<WireOptions>,
}

#[derive(Serialize)]
struct WireOptions {
    include_usage: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_obfuscation: Option<bool>,
}

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, dialect: Dialect, form: Form) -> Self {
        let generation = &request.generation;
        let system = request.system.as_deref().map(Message::system);
        let conversation = request.messages.iter().map(Message::from);
        // The option is an error without `stream`.
        let options = (form.streams() && !form.has(Fix::NoStreamOptions)).then_some(dialect.stream_options);
        Self {
            model: dialect.model(&request.model, form),
            messages: system.into_iter().chain(conversation).collect(),
            sampling: Sampling::new(generation, dialect, form),
            response_format: generation.response_format.as_ref().filter(|it| **it != ResponseFormat::Text),
            tools: &generation.tools,
            tool_choice: generation.tool_choice.as_ref(),
            parallel_tool_calls: generation.parallel_tool_calls,
            logprobs: generation.wants_logprobs(),
            top_logprobs: generation.top_logprobs,
            stream: form.streams(),
            stream_options: options.and_then(WireOptions::of),
        }
    }
}

impl WireOptions {
    fn of(options: StreamOptions) -> Option<Self> {
        let include_obfuscation = match options {
            StreamOptions::None => return None,
            StreamOptions::Usage => None,
            StreamOptions::UsageAndPadding => Some(false),
        };
        Some(Self { include_usage: true, include_obfuscation })
    }
}

#[cfg(test)]
mod tests;
