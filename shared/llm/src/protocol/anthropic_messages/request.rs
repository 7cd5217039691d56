//! Writes the request's body. Where each parameter goes:
//!
//! | parameter | on the wire |
//! | --- | --- |
//! | `system` | `system`, beside the messages |
//! | image, inline or a `data:` URL | a block `image`, its source `base64` |
//! | image, other URL | a block `image`, its source `url` |
//! | `max_new_tokens` | `max_tokens`, which is required: see [`Plan`] |
//! | `temperature`, `top_p`, `top_k` | the same; left out if the model should think, and for models that refuse them: see [`Model`] |
//! | `stop` | `stop_sequences`, without those that are only white space, which would be an error |
//! | `reasoning_effort` | `thinking` and `output_config.effort`: see [`Plan`] |
//! | `response_format`, a schema | `output_config.format`; name, description and `strict` are left out, because a schema is always strict |
//! | `response_format`, any JSON | not supported: an error before a request is sent |
//! | `tools` | `tools` |
//! | `tool_choice` | `tool_choice`: `required` is `any`, a function is `tool` |
//! | `seed`, `presence_penalty`, `frequency_penalty`, `repetition_penalty`, `logprobs`, `top_logprobs` | left out: the API has none of them |
//! | `extra_body` | its values, at the top level |
//!
//! LiteLLM leaves out the same parameters when it is set to drop those that a provider does not accept.

use runmill_proto::{Fix, Generation, ResponseFormat, Stop, Tool};
use serde::Serialize;
use serde_json::Value;

use super::{
    model::Model,
    thinking::{Plan, Thinking},
    tools::{WireChoice, WireTool},
};
use crate::{
    ChatRequest, ModelError, Part,
    protocol::{Form, image::ImageSource, json, turn::Turn},
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
    tool_choice: Option<WireChoice<'a>>,
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

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentBlock<'a> {
    Text { text: &'a str },
    Image { source: Source<'a> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
}

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, form: Form) -> Result<Self, ModelError> {
        let generation = &request.generation;
        let model = Model::new(&request.model, form);
        let plan = Plan::new(generation, model)?;
        let sampled = model.samples() && !plan.thinks();
        Ok(Self {
            model: model.name,
            max_tokens: plan.max_tokens,
            system: request.system.as_deref(),
            messages: request.messages.iter().map(|message| Turn::new(message, ContentBlock::from)).collect(),
            sampling: if sampled { Sampling::of(generation, form) } else { Sampling::default() },
            stop_sequences: stop_sequences(generation).collect(),
            thinking: plan.thinking,
            output_config: OutputConfig::of(plan.effort, format(generation)?),
            tools: generation.tools.iter().map(Tool::function).map(WireTool::from).collect(),
            tool_choice: generation.tool_choice.as_ref().map(WireChoice::from),
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

fn stop_sequences(generation: &Generation) -> impl Iterator<Item = &str> {
    let stops = generation.stop.iter().flat_map(Stop::as_slice);
    stops.map(String::as_str).filter(|stop| !stop.trim().is_empty())
}

fn format(generation: &Generation) -> Result<Option<Format<'_>>, ModelError> {
    match &generation.response_format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(ResponseFormat::JsonSchema { json_schema }) => {
            Ok(Some(Format::JsonSchema { schema: &json_schema.schema }))
        }
        Some(ResponseFormat::JsonObject) => {
            let message = "this API has no JSON mode without a schema: set response_format to a json_schema";
            Err(ModelError::InvalidRequest { status: 400, message: message.to_owned() })
        }
    }
}

impl<'a> From<&'a Part> for ContentBlock<'a> {
    fn from(part: &'a Part) -> Self {
        let image = match part {
            Part::Text(text) => return Self::Text { text },
            Part::Image(image) => image,
        };
        let source = match ImageSource::from(image) {
            ImageSource::Data { mime_type, data } => Source::Base64 { media_type: mime_type, data },
            ImageSource::Url(url) => Source::Url { url },
        };
        Self::Image { source }
    }
}

#[cfg(test)]
mod tests;
