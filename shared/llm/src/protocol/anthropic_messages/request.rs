//! Writes the request's body. Where each parameter goes:
//!
//! | parameter | on the wire |
//! | --- | --- |
//! | `system` | `system`, beside the messages |
//! | call of a tool | a block `tool_use` |
//! | results of tools | blocks `tool_result`, those of one turn in one message of the user |
//! | system message among the others | not supported: an error before a request is sent |
//! | image, inline or a `data:` URL | a block `image`, its source `base64` |
//! | image, other URL | a block `image`, its source `url` |
//! | `max_new_tokens` | `max_tokens`, which is required: see [`Plan`] |
//! | `temperature`, `top_p`, `top_k` | the same; left out if the model should think, and for models that refuse them: see [`Model`] |
//! | `stop` | `stop_sequences`; those that are only white space would be an error, see below |
//! | `reasoning_effort` | `thinking` and `output_config.effort`: see [`Plan`] |
//! | `response_format`, a schema | `output_config.format`; name, description and `strict` are left out, because a schema is always strict |
//! | `response_format`, any JSON | not supported: an error before a request is sent |
//! | `tools` | `tools` |
//! | `tool_choice` | `tool_choice`: `required` is `any`, a function is `tool` |
//! | `parallel_tool_calls` | `tool_choice.disable_parallel_tool_use` if it is false; left out if it is true, the default |
//! | `seed`, `presence_penalty`, `frequency_penalty`, `repetition_penalty` | left out: the API has none of them |
//! | `logprobs`, `top_logprobs` | the API has none of them, see below |
//! | `extra_body` | its values, at the top level |
//!
//! Without log probabilities, and without a stop text of white space, the answer is another one. A strict request that has
//! them is an error before anything is sent; otherwise they are left out.
//!
//! LiteLLM leaves out the same parameters when it is set to drop those that a provider does not accept.

mod message;

use runmill_proto::{Fix, Generation, ResponseFormat, Stop, Tool};
use serde::Serialize;
use serde_json::Value;

use self::message::{ContentBlock, messages};
use super::{
    model::Model,
    thinking::{Plan, Thinking},
    tools::{ToolRule, WireTool},
};
use crate::{
    ChatRequest, ModelError,
    protocol::{Form, json, turn::Turn},
};

pub(super) fn body(request: &ChatRequest, form: Form) -> Result<Vec<u8>, ModelError> {
    let body = Body::new(request, form)?;
    Ok(json(&body, &request.generation.extra_body))
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: Vec<Turn<'a, ContentBlock<'a>>>,
    #[serde(flatten)]
    sampling: Sampling,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolRule<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Default, Serialize)]
struct Sampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonSchema { schema: &'a Value },
}

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, form: Form) -> Result<Self, ModelError> {
        let generation = &request.generation;
        if request.is_strict {
            check(generation)?;
        }
        let model = Model::new(&request.model, form);
        let plan = Plan::new(generation, model)?;
        let sampled = model.samples() && !plan.thinks();
        Ok(Self {
            model: model.name,
            max_tokens: plan.max_tokens,
            system: request.system.as_deref(),
            messages: messages(&request.messages)?,
            sampling: if sampled { Sampling::of(generation, form) } else { Sampling::default() },
            stop_sequences: stop_sequences(generation).collect(),
            thinking: plan.thinking,
            output_config: OutputConfig::of(plan.effort, format(generation)?),
            tools: generation.tools.iter().map(Tool::function).map(WireTool::from).collect(),
            tool_choice: ToolRule::of(generation),
            stream: form.streams(),
        })
    }
}

impl Sampling {
    fn of(generation: &Generation, form: Form) -> Self {
        Self {
            temperature: form.unless(Fix::NoTemperature, generation.temperature),
            top_p: form.unless(Fix::NoTopP, generation.top_p),
            top_k: form.unless(Fix::NoTopK, generation.top_k),
        }
    }
}

impl<'a> OutputConfig<'a> {
    fn of(effort: Option<&'static str>, format: Option<Format<'a>>) -> Option<Self> {
        (effort.is_some() || format.is_some()).then_some(Self { effort, format })
    }
}

/// Returns an error for a parameter without which the answer would be another one, and that cannot be sent.
fn check(generation: &Generation) -> Result<(), ModelError> {
    let lacks = if generation.wants_logprobs() {
        "has no log probabilities: remove logprobs and top_logprobs"
    } else if stops(generation).any(|stop| !stop.is_empty() && stop.trim().is_empty()) {
        "takes no stop text that is only white space: remove it from stop"
    } else {
        return Ok(());
    };
    let message = format!("the protocol anthropic_messages {lacks}, or ask a provider with another protocol");
    Err(ModelError::Inexpressible { message })
}

fn stops(generation: &Generation) -> impl Iterator<Item = &str> {
    generation.stop.iter().flat_map(Stop::as_slice).map(String::as_str)
}

fn stop_sequences(generation: &Generation) -> impl Iterator<Item = &str> {
    stops(generation).filter(|stop| !stop.trim().is_empty())
}

fn format(generation: &Generation) -> Result<Option<Format<'_>>, ModelError> {
    match &generation.response_format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(ResponseFormat::JsonSchema { json_schema }) => {
            Ok(Some(Format::JsonSchema { schema: &json_schema.schema }))
        }
        Some(ResponseFormat::JsonObject) => {
            let message = "this API has no JSON mode without a schema: set response_format to a json_schema";
            Err(ModelError::Inexpressible { message: message.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests;
