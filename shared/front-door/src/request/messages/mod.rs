//! `/v1/messages`, and `/v1/messages/count_tokens`, whose requests have no `max_tokens`.

mod block;
mod thinking;

use runmill_proto::{Generation, Tool, ToolChoice, chat::Conversation};

use super::{
    Asked, form,
    node::{Fields, Node},
    responses, sampling,
    talk::{Talk, model, text_of},
    tools,
};
use crate::{Endpoint, Refusal, ReplyOptions};

/// Parameters that change the answer, and cannot be translated.
pub(super) const REFUSED: [(&str, &str); 5] = [
    ("container", "runmill runs no tools of a provider"),
    ("context_management", "runmill does not change the context"),
    ("logprobs", "the protocol has no place for log probabilities"),
    ("mcp_servers", "runmill runs no tools of a provider"),
    ("top_logprobs", "the protocol has no place for log probabilities"),
];

pub(super) fn read(mut fields: Fields<'_>) -> Result<Asked, Refusal> {
    let model = model(&mut fields)?;
    for (name, reason) in REFUSED {
        fields.refuse(name, reason)?;
    }
    responses::one_answer(&mut fields)?;

    let mut generation = sampling::read(&mut fields)?;
    generation.max_new_tokens = fields.whole("max_tokens")?;
    let thinking = thinking::read(&mut fields)?;
    generation.reasoning_effort = thinking.effort;
    output(&mut fields, &mut generation)?;
    let tools = fields.get("tools").map(|node| tools::messages(&node)).transpose()?.unwrap_or_default();
    choice(&mut fields, &mut generation, tools)?;
    sampling::check(&generation, "max_tokens")?;

    let mut talk = Talk::default();
    if let Some(system) = fields.get("system").filter(|node| !node.is_mute()) {
        talk.add_system(text_of(&system, block::part)?);
    }
    conversation(&mut talk, &fields.require("messages")?)?;
    let (system, messages) = talk.into_parts();
    let streams = fields.flag("stream")? == Some(true);
    let reply = ReplyOptions { thinking: thinking.is_shown, ..ReplyOptions::new(Endpoint::Messages, 1) };
    fields.rest();
    let conversation = Conversation { system, messages, generation };
    Ok(Asked { model, conversation, streams, n: 1, ignored: Vec::new(), reply })
}

/// Reads the form of the answer, whose field had another name in the API's beta.
fn output(fields: &mut Fields<'_>, generation: &mut Generation) -> Result<(), Refusal> {
    let mut format = fields.get("output_format");
    if let Some(node) = fields.get("output_config") {
        let mut config = node.fields()?;
        // `thinking` reads it.
        config.get("effort");
        format = config.get("format").or(format);
        config.rest();
    }
    generation.response_format = format.map(form::messages).transpose()?;
    Ok(())
}

/// Reads the rule for the use of tools. The wish for at most one call has no effect where a single tool can be called:
/// more calls are rare then, AI SDK has it in each request for an object, and some models of other providers refuse it.
fn choice(fields: &mut Fields<'_>, generation: &mut Generation, tools: Vec<Tool>) -> Result<(), Refusal> {
    let Some(node) = fields.get("tool_choice") else { return tools::set(generation, tools, None) };
    let (choice, single) = tools::anthropic_choice(node.clone())?;
    if let Some(single) = single.filter(|_| !tools.is_empty()) {
        if tools.len() > 1 && !matches!(choice, ToolChoice::Function { .. }) {
            generation.parallel_tool_calls = Some(false);
        } else {
            single.ignore();
        }
    }
    tools::set(generation, tools, Some(choice))
}

fn conversation(talk: &mut Talk, messages: &Node<'_>) -> Result<(), Refusal> {
    let mut count = 0;
    for node in messages.list()? {
        count += 1;
        block::message(talk, node.fields()?)?;
    }
    if count == 0 {
        return Err(messages.fault("messages: at least one message is required").with_code("empty_array"));
    }
    Ok(())
}
