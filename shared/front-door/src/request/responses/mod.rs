//! `/v1/responses`.

mod input;

use runmill_proto::{Generation, chat::Conversation};
use serde_json::{Map, Value};

use super::{
    Asked, form,
    node::{Fields, Node},
    sampling,
    talk::{Talk, model},
    tools,
};
use crate::{Endpoint, Refusal, ReplyOptions};

/// Parameters that change the answer, and cannot be translated.
pub(super) const REFUSED: [(&str, &str); 6] = [
    ("background", "use a batch, or a run"),
    ("context_management", "runmill does not change the context"),
    ("conversation", "runmill keeps no conversations; send the whole one as 'input'"),
    ("moderation", "runmill moderates no answers"),
    ("previous_response_id", "runmill keeps no responses; send the whole conversation as 'input'"),
    ("prompt", "runmill has no prompt templates of a provider"),
];

/// Parameters that the reply repeats.
const REPEATED: [&str; 12] = [
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
];

pub(super) fn read(mut fields: Fields<'_>) -> Result<Asked, Refusal> {
    let model = model(&mut fields)?;
    for (name, reason) in REFUSED {
        fields.refuse(name, reason)?;
    }
    one_answer(&mut fields)?;

    let mut generation = sampling::read(&mut fields)?;
    generation.max_new_tokens = fields.whole("max_output_tokens")?;
    reasoning(&mut fields, &mut generation)?;
    text(&mut fields, &mut generation)?;
    logprobs(&mut fields, &mut generation)?;
    let tools = fields.get("tools").map(|node| tools::responses(&node)).transpose()?.unwrap_or_default();
    let choice = fields.get("tool_choice").map(|node| tools::openai_choice(&node)).transpose()?;
    tools::set(&mut generation, tools, choice)?;
    tools::parallel(&mut fields, &mut generation)?;
    sampling::check(&generation, "max_output_tokens")?;

    let mut talk = Talk::default();
    if let Some(instructions) = fields.text("instructions")?.filter(|text| !text.is_empty()) {
        talk.add_system(instructions.to_owned());
    }
    input::read(&mut talk, &fields.require("input")?)?;
    let (system, messages) = talk.into_parts();
    let streams = fields.flag("stream")? == Some(true);
    let reply = ReplyOptions {
        logprobs: generation.wants_logprobs(),
        repeated: repeated(&mut fields),
        ..ReplyOptions::new(Endpoint::Responses, 1)
    };
    // They are repeated, and else without an effect.
    for node in ["metadata", "truncation"].into_iter().filter_map(|name| fields.get(name)) {
        node.ignore();
    }
    fields.rest();
    let conversation = Conversation { system, messages, generation };
    Ok(Asked { model, conversation, streams, n: 1, ignored: Vec::new(), reply })
}

/// Refuses more than one answer, for which the protocol has no place.
pub(super) fn one_answer(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    match fields.get("n") {
        Some(node) if node.whole::<i64>()? != 1 => {
            let message = "'n' is not supported by this endpoint: it returns one answer.";
            Err(node.fault(message).with_code("unsupported_parameter"))
        }
        _ => Ok(()),
    }
}

fn reasoning(fields: &mut Fields<'_>, generation: &mut Generation) -> Result<(), Refusal> {
    let Some(node) = fields.get("reasoning") else { return Ok(()) };
    let mut reasoning = node.fields()?;
    generation.reasoning_effort = reasoning.get("effort").map(|node| sampling::effort(&node)).transpose()?;
    reasoning.rest();
    Ok(())
}

fn text(fields: &mut Fields<'_>, generation: &mut Generation) -> Result<(), Refusal> {
    let Some(node) = fields.get("text") else { return Ok(()) };
    let mut text = node.fields()?;
    generation.response_format = text.get("format").map(form::responses).transpose()?.flatten();
    if let Some(verbosity) = text.get("verbosity")
        && verbosity.text()? != "medium"
    {
        return Err(verbosity.unsupported("'medium'"));
    }
    text.rest();
    Ok(())
}

/// Reads `include` and `top_logprobs`. Everything else that can be included belongs to tools that are refused, or is
/// encrypted for the provider that wrote it.
fn logprobs(fields: &mut Fields<'_>, generation: &mut Generation) -> Result<(), Refusal> {
    let mut wanted = false;
    if let Some(include) = fields.get("include") {
        for name in include.list()? {
            match name.text()? {
                "message.output_text.logprobs" => wanted = true,
                _ => name.ignore(),
            }
        }
    }
    let top = fields.whole::<u8>("top_logprobs")?.filter(|count| *count > 0);
    generation.logprobs = (wanted || top.is_some()).then_some(true);
    generation.top_logprobs = top;
    Ok(())
}

fn repeated(fields: &mut Fields<'_>) -> Map<String, Value> {
    let mut values = Map::new();
    for name in REPEATED {
        values.insert(
            name.to_owned(),
            fields.get(name).map_or(Value::Null, |node: Node<'_>| node.value.clone()),
        );
    }
    values
}
