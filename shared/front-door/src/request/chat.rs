//! `/v1/chat/completions`.

use runmill_proto::{
    ToolCall,
    chat::{Conversation, Part, Role},
};

use super::{
    Asked, form, image,
    node::{Fields, Node},
    sampling,
    talk::{Talk, model, parts_of, text_of},
    tools,
};
use crate::{Endpoint, Refusal, ReplyOptions};

/// Maximum number of choices, as OpenAI has it.
const MAX_CHOICES: u32 = 128;

/// Parameters that change the answer, and cannot be translated.
pub(super) const REFUSED: [(&str, &str); 5] = [
    ("audio", "runmill returns text"),
    ("function_call", "use 'tool_choice'"),
    ("functions", "use 'tools'"),
    ("moderation", "runmill moderates no answers"),
    ("web_search_options", "runmill runs no tools of a provider"),
];

pub(super) fn read(mut fields: Fields<'_>) -> Result<Asked, Refusal> {
    let model = model(&mut fields)?;
    for (name, reason) in REFUSED {
        fields.refuse(name, reason)?;
    }
    text_only(&mut fields)?;

    let mut generation = sampling::read(&mut fields)?;
    generation.max_new_tokens = sampling::max_tokens(&mut fields)?;
    generation.reasoning_effort =
        fields.get("reasoning_effort").map(|node| sampling::effort(&node)).transpose()?;
    generation.response_format = fields.get("response_format").map(form::chat).transpose()?.flatten();
    sampling::logprobs(&mut fields, &mut generation)?;
    let tools = fields.get("tools").map(|node| tools::chat(&node)).transpose()?.unwrap_or_default();
    let choice = fields.get("tool_choice").map(|node| tools::openai_choice(&node)).transpose()?;
    tools::set(&mut generation, tools, choice)?;
    tools::parallel(&mut fields, &mut generation)?;
    sampling::pass(&mut fields, &mut generation);
    sampling::check(&generation, "max_tokens")?;

    let (system, messages) = talk(&fields.require("messages")?)?.into_parts();
    let streams = fields.flag("stream")? == Some(true);
    let n = choices(&mut fields)?;
    let reply = ReplyOptions {
        include_usage: include_usage(&mut fields)?,
        logprobs: generation.wants_logprobs(),
        ..ReplyOptions::new(Endpoint::ChatCompletions, n)
    };
    fields.rest();
    let conversation = Conversation { system, messages, generation };
    Ok(Asked { model, conversation, streams, n, ignored: Vec::new(), reply })
}

/// Reads the number of choices.
pub(super) fn choices(fields: &mut Fields<'_>) -> Result<u32, Refusal> {
    let Some(node) = fields.get("n") else { return Ok(1) };
    match node.whole()? {
        n @ 1..=MAX_CHOICES => Ok(n),
        n => Err(node.fault(format!("Invalid 'n': {n} is not from 1 to {MAX_CHOICES}."))),
    }
}

/// Returns true if a stream ends with a chunk that has the usage.
pub(super) fn include_usage(fields: &mut Fields<'_>) -> Result<bool, Refusal> {
    let Some(node) = fields.get("stream_options") else { return Ok(false) };
    let mut options = node.fields()?;
    let include_usage = options.flag("include_usage")? == Some(true);
    options.rest();
    Ok(include_usage)
}

fn text_only(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    let Some(node) = fields.get("modalities") else { return Ok(()) };
    for modality in node.list()? {
        if modality.text()? != "text" {
            return Err(modality.unsupported("'text'"));
        }
    }
    Ok(())
}

fn talk(messages: &Node<'_>) -> Result<Talk, Refusal> {
    let mut talk = Talk::default();
    let mut count = 0;
    for node in messages.list()? {
        count += 1;
        message(&mut talk, node.fields()?)?;
    }
    if count == 0 {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an \
                       empty array instead.";
        return Err(messages.fault(message).with_code("empty_array"));
    }
    Ok(talk)
}

fn message(talk: &mut Talk, mut fields: Fields<'_>) -> Result<(), Refusal> {
    let role = fields.require("role")?;
    match role.text()? {
        "system" | "developer" => talk.add_system(text_of(&fields.require("content")?, part)?),
        "user" => talk.add(Role::User, parts_of(&fields.require("content")?, part)?),
        "assistant" => assistant(talk, &mut fields)?,
        "tool" => {
            let parts = parts_of(&fields.require("content")?, part)?;
            talk.add_result(fields.require("tool_call_id")?.text()?, parts);
        }
        _ => return Err(role.unsupported("'system', 'developer', 'user', 'assistant' and 'tool'")),
    }
    fields.rest();
    Ok(())
}

fn assistant(talk: &mut Talk, fields: &mut Fields<'_>) -> Result<(), Refusal> {
    fields.refuse("audio", "runmill sends text and images")?;
    fields.refuse("function_call", "use 'tool_calls'")?;
    let content = fields.get("content").map(|node| parts_of(&node, part)).transpose()?;
    let refusal = fields.text("refusal")?.map(|refusal| Part::Text(refusal.to_owned()));
    let calls =
        fields.get("tool_calls").map(|node| node.list()?.map(tool_call).collect::<Result<Vec<_>, _>>());
    let calls = calls.transpose()?.unwrap_or_default();
    if content.is_none() && refusal.is_none() && calls.is_empty() {
        return Err(fields.fault("A message of the assistant needs 'content' or 'tool_calls'."));
    }
    let mut parts = content.unwrap_or_default();
    parts.extend(refusal);
    talk.add_assistant(parts, calls);
    Ok(())
}

fn tool_call(node: Node<'_>) -> Result<ToolCall, Refusal> {
    let mut fields = node.fields()?;
    if let Some(kind) = fields.get("type")
        && kind.text()? != "function"
    {
        return Err(kind.unsupported("'function'"));
    }
    let mut function = fields.require("function")?.fields()?;
    let call = ToolCall {
        id: fields.require("id")?.text()?.to_owned(),
        name: function.require("name")?.text()?.to_owned(),
        arguments: function.text("arguments")?.unwrap_or_default().to_owned(),
    };
    function.rest();
    fields.rest();
    Ok(call)
}

fn part(node: Node<'_>) -> Result<Option<Part>, Refusal> {
    let mut fields = node.fields()?;
    let kind = fields.require("type")?;
    let part = match kind.text()? {
        "text" => Part::Text(fields.require("text")?.text()?.to_owned()),
        "refusal" => Part::Text(fields.require("refusal")?.text()?.to_owned()),
        "image_url" => image::openai(&mut fields)?,
        _ => return Err(kind.unsupported("'text' and 'image_url'")),
    };
    fields.rest();
    Ok(Some(part))
}
