//! Writes the request's body. Where each parameter goes:
//!
//! | ours | on the wire |
//! | --- | --- |
//! | `system` | `instructions` |
//! | `temperature`, `top_p` | the same |
//! | `max_new_tokens` | `max_output_tokens` |
//! | `reasoning_effort` | `reasoning.effort`, `max` as `xhigh`; no summary is requested, see below |
//! | `response_format` | `text.format`; left out if it is text, which is the default |
//! | `tools`, `tool_choice` | the same, flat; `strict` is always sent, because its default is true here |
//! | `logprobs`, `top_logprobs` | `include: ["message.output_text.logprobs"]`, `top_logprobs` |
//! | `seed`, `top_k`, the penalties | left out, as other clients of this API do |
//! | `extra_body` | its values, at the top level |
//! | `stop` | not supported: an error, because without it the answers would be different and longer |
//!
//! `reasoning.summary` is left out: a summary is not the reasoning itself, some models write one only for verified
//! organizations, and it takes time. Reasoning that a server sends without a request is read.
//!
//! `store` is false, so that the provider stores nothing.

mod input;
mod tools;

use runmill_proto::{Fix, Generation, JsonSchema, ResponseFormat};
use serde::Serialize;
use serde_json::Value;

use self::{
    input::{Input, PLACES, input},
    tools::{WireChoice, WireTool},
};
use crate::{
    ChatRequest, ModelError,
    protocol::{
        Dialect, Form, json,
        openai::{StreamOptions, effort_word},
    },
};

pub(super) fn body(request: &ChatRequest, dialect: Dialect, form: Form) -> Result<Vec<u8>, ModelError> {
    if request.generation.stop.as_ref().is_some_and(|stop| !stop.as_slice().is_empty()) {
        let message = "the responses API has no stop sequences: remove stop, or use the protocol openai_chat"
            .to_owned();
        return Err(ModelError::Inexpressible { message });
    }
    PLACES.check(&request.messages)?;
    let body = Body::new(request, dialect, form);
    Ok(json(&body, &request.generation.extra_body))
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<Input<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextConfig<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
    store: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<WireOptions>,
}

#[derive(Serialize)]
struct Reasoning {
    effort: &'static str,
}

#[derive(Serialize)]
struct TextConfig<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[derive(Serialize)]
struct WireOptions {
    include_obfuscation: bool,
}

const LOGPROBS: &[&str] = &["message.output_text.logprobs"];

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, dialect: Dialect, form: Form) -> Self {
        let generation = &request.generation;
        let is_padded = dialect.stream_options == StreamOptions::UsageAndPadding;
        let takes_options = form.streams() && !form.has(Fix::NoStreamOptions) && is_padded;
        Self {
            model: dialect.model(&request.model, form),
            instructions: request.system.as_deref(),
            input: request.messages.iter().flat_map(input).collect(),
            temperature: form.unless(Fix::NoTemperature, generation.temperature),
            top_p: form.unless(Fix::NoTopP, generation.top_p),
            max_output_tokens: generation.max_new_tokens,
            reasoning: generation.reasoning_effort.map(|effort| Reasoning { effort: effort_word(effort) }),
            text: Format::of(generation).map(|format| TextConfig { format }),
            tools: generation.tools.iter().map(WireTool::from).collect(),
            tool_choice: generation.tool_choice.as_ref().map(WireChoice::from),
            parallel_tool_calls: generation.parallel_tool_calls,
            include: if generation.wants_logprobs() { LOGPROBS } else { &[] },
            top_logprobs: generation.top_logprobs,
            store: false,
            stream: form.streams(),
            stream_options: takes_options.then_some(WireOptions { include_obfuscation: false }),
        }
    }
}

impl<'a> Format<'a> {
    fn of(generation: &'a Generation) -> Option<Self> {
        Some(match generation.response_format.as_ref()? {
            ResponseFormat::Text => return None,
            ResponseFormat::JsonObject => Self::JsonObject,
            ResponseFormat::JsonSchema { json_schema } => {
                let JsonSchema { name, description, schema, strict } = json_schema;
                Self::JsonSchema { name, description: description.as_deref(), schema, strict: *strict }
            }
        })
    }
}

#[cfg(test)]
mod tests;
