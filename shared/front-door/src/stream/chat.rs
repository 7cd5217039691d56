use runmill_proto::{
    Usage,
    chat::{Delta, ToolCallDelta},
};
use serde_json::{Map, Value, json};

use super::{Context, frame, progress::Progress};
use crate::{
    Endpoint,
    reply::{logprobs, usage},
};

/// Sends the role of each choice.
pub(super) fn start(out: &mut Vec<u8>, context: Context<'_>) {
    for choice in 0..context.options.n {
        let delta = json!({ "role": "assistant", "content": "" });
        chunk(out, context, &json!([one(choice, &delta, &Value::Null, None)]), None);
    }
}

pub(super) fn delta(out: &mut Vec<u8>, context: Context<'_>, choice: u32, delta: &Delta, sent: &Progress) {
    let mut fields = Map::new();
    let texts =
        [("reasoning_content", &delta.reasoning), ("content", &delta.text), ("refusal", &delta.refusal)];
    for (name, text) in texts {
        if !text.is_empty() {
            fields.insert(name.to_owned(), json!(text));
        }
    }
    if !delta.tool_calls.is_empty() {
        let calls = delta.tool_calls.iter().map(|part| call(context, choice, part, sent));
        fields.insert("tool_calls".to_owned(), calls.collect());
    }
    let has_logprobs = context.options.logprobs && !delta.logprobs.is_empty();
    if fields.is_empty() && !has_logprobs {
        return;
    }
    let logprobs = if has_logprobs { logprobs::chat(&delta.logprobs) } else { Value::Null };
    chunk(out, context, &json!([one(choice, &Value::Object(fields), &logprobs, None)]), None);
}

/// Writes a part of a tool call. Only the first one has the id and the name.
fn call(context: Context<'_>, choice: u32, part: &ToolCallDelta, sent: &Progress) -> Value {
    if sent.has_call(part.index) {
        return json!({ "index": part.index, "function": { "arguments": part.arguments } });
    }
    json!({
        "index": part.index,
        "id": context.head.call_id(choice, part.index, &part.id),
        "type": "function",
        "function": { "name": part.name, "arguments": part.arguments },
    })
}

pub(super) fn end(out: &mut Vec<u8>, context: Context<'_>, choice: u32, finish_reason: &str) {
    let choices = json!([one(choice, &json!({}), &Value::Null, Some(finish_reason))]);
    chunk(out, context, &choices, None);
}

pub(super) fn finish(context: Context<'_>, usage: &Usage) -> Vec<u8> {
    let mut out = Vec::new();
    if context.options.include_usage {
        chunk(&mut out, context, &json!([]), Some(usage));
    }
    out.extend_from_slice(b"data: [DONE]\n\n");
    out
}

fn one(choice: u32, delta: &Value, logprobs: &Value, finish_reason: Option<&str>) -> Value {
    json!({ "index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason })
}

fn chunk(out: &mut Vec<u8>, context: Context<'_>, choices: &Value, usage: Option<&Usage>) {
    let mut chunk = json!({
        "id": context.head.full_id(Endpoint::ChatCompletions),
        "object": "chat.completion.chunk",
        "created": context.head.created,
        "model": context.head.model,
        "choices": choices,
        "system_fingerprint": null,
    });
    if context.options.include_usage {
        chunk["usage"] = usage.map_or(Value::Null, usage::chat);
    }
    frame::data(out, &chunk);
}
