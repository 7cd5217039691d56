use runmill_proto::{
    Usage,
    chat::{Finish, ModelAnswer},
};
use serde_json::{Value, json};

use super::{
    ReplyHead, ReplyOptions,
    block::{self, Block, BlockKind},
    usage,
};
use crate::Endpoint;

pub(super) fn write(options: &ReplyOptions, head: &ReplyHead, answer: &ModelAnswer) -> Value {
    let blocks = block::of(head, answer);
    let is_shown = |block: &&Block| options.thinking || block.kind != BlockKind::Reasoning;
    let content: Vec<_> = blocks.iter().filter(is_shown).map(content).collect();
    message(head, &content, Some(stop_reason(answer)), &usage::of(head, answer))
}

pub(crate) fn message(
    head: &ReplyHead,
    content: &[Value],
    stop_reason: Option<&str>,
    usage: &Usage,
) -> Value {
    json!({
        "id": head.full_id(Endpoint::Messages),
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": usage::messages(usage),
    })
}

/// Returns a block of the content.
pub(crate) fn content(block: &Block) -> Value {
    match &block.kind {
        // The signature is Anthropic's proof of its own thoughts, which nobody else can give.
        BlockKind::Reasoning => json!({ "type": "thinking", "thinking": block.text, "signature": "" }),
        BlockKind::Text | BlockKind::Refusal => {
            json!({ "type": "text", "text": block.text })
        }
        BlockKind::Call { id, name, .. } => {
            json!({ "type": "tool_use", "id": id, "name": name, "input": input(&block.text) })
        }
    }
}

/// Returns the arguments of a call as the object that the protocol demands. Text that is none is kept under a name of
/// its own, because nothing may be lost silently.
fn input(arguments: &str) -> Value {
    match serde_json::from_str(arguments) {
        Ok(input @ Value::Object(_)) => input,
        _ if arguments.trim().is_empty() => json!({}),
        _ => json!({ "invalid_json": arguments }),
    }
}

pub(crate) fn stop_reason(answer: &ModelAnswer) -> &'static str {
    match answer.finish {
        Finish::Length => "max_tokens",
        Finish::ContentFilter => "refusal",
        _ if answer.refusal.is_some() => "refusal",
        Finish::ToolCalls => "tool_use",
        Finish::Stop | Finish::Other if !answer.tool_calls.is_empty() => "tool_use",
        Finish::Stop | Finish::Other => "end_turn",
    }
}
