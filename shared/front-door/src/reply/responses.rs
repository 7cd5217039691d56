use runmill_proto::{
    Usage,
    chat::{Finish, ModelAnswer},
};
use serde_json::{Value, json};

use super::{
    ReplyHead, ReplyOptions,
    block::{self, Block, BlockKind},
    logprobs, usage,
};
use crate::Endpoint;

/// State of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State<'a> {
    InProgress,
    Ended(Finish, &'a Usage),
}

pub(super) fn write(options: &ReplyOptions, head: &ReplyHead, answer: &ModelAnswer) -> Value {
    let mut blocks = block::of(head, answer);
    if !options.logprobs {
        for block in &mut blocks {
            block.logprobs.clear();
        }
    }
    response(options, head, &blocks, State::Ended(answer.finish, &usage::of(head, answer)))
}

pub(crate) fn response(
    options: &ReplyOptions,
    head: &ReplyHead,
    blocks: &[Block],
    state: State<'_>,
) -> Value {
    let incomplete = match state {
        State::Ended(Finish::Length, _) => Some("max_output_tokens"),
        State::Ended(Finish::ContentFilter, _) => Some("content_filter"),
        _ => None,
    };
    let status = match (state, incomplete) {
        (State::InProgress, _) => "in_progress",
        (State::Ended(..), Some(_)) => "incomplete",
        (State::Ended(..), None) => "completed",
    };
    let last = blocks.len().saturating_sub(1);
    let output = blocks.iter().enumerate().map(|(n, block)| {
        let is_cut = status != "completed" && n == last;
        item(head, n, block, if is_cut { "incomplete" } else { "completed" })
    });
    let usage = match state {
        State::Ended(_, usage) => Some(usage::responses(usage)),
        State::InProgress => None,
    };
    let mut response = json!({
        "id": head.full_id(Endpoint::Responses),
        "object": "response",
        "created_at": head.created,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": incomplete.map(|reason| json!({ "reason": reason })),
        "model": head.model,
        "output": output.collect::<Vec<_>>(),
        "previous_response_id": null,
        "store": false,
        "usage": usage,
        "user": null,
    });
    for (name, value) in &options.repeated {
        let value = if value.is_null() { default_of(name) } else { value.clone() };
        response[name.as_str()] = value;
    }
    response
}

/// Returns the value that a response has for a parameter that the request did not have.
fn default_of(name: &str) -> Value {
    match name {
        "metadata" => json!({}),
        "parallel_tool_calls" => json!(true),
        "reasoning" => json!({ "effort": null, "summary": null }),
        "text" => json!({ "format": { "type": "text" } }),
        "tool_choice" => json!("auto"),
        "tools" => json!([]),
        "truncation" => json!("disabled"),
        _ => Value::Null,
    }
}

/// Returns the item of the output at a position.
pub(crate) fn item(head: &ReplyHead, position: usize, block: &Block, status: &str) -> Value {
    let id = item_id(head, position, &block.kind);
    match &block.kind {
        BlockKind::Reasoning => {
            let summary = if block.text.is_empty() { json!([]) } else { json!([summary(&block.text)]) };
            json!({ "id": id, "type": "reasoning", "summary": summary, "status": status })
        }
        BlockKind::Text | BlockKind::Refusal => json!({
            "id": id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [part(block)],
        }),
        BlockKind::Call { id: call_id, name, .. } => json!({
            "id": id,
            "type": "function_call",
            "status": status,
            "call_id": call_id,
            "name": name,
            "arguments": block.text,
        }),
    }
}

/// Returns the part of a message.
pub(crate) fn part(block: &Block) -> Value {
    if block.kind == BlockKind::Refusal {
        return json!({ "type": "refusal", "refusal": block.text });
    }
    json!({
        "type": "output_text",
        "annotations": [],
        "logprobs": logprobs::responses(&block.logprobs),
        "text": block.text,
    })
}

/// Returns the part of reasoning. Clients read a summary; few read whole thoughts, which OpenAI itself does not send.
pub(crate) fn summary(text: &str) -> Value {
    json!({ "type": "summary_text", "text": text })
}

pub(crate) fn item_id(head: &ReplyHead, position: usize, kind: &BlockKind) -> String {
    let prefix = match kind {
        BlockKind::Reasoning => "rs",
        BlockKind::Text | BlockKind::Refusal => "msg",
        BlockKind::Call { .. } => "fc",
    };
    format!("{prefix}_{}_{position}", head.id)
}
