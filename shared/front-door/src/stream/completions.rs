use runmill_proto::{Usage, chat::Delta};
use serde_json::{Value, json};

use super::{Context, frame, progress::Progress};
use crate::{
    Endpoint,
    reply::{logprobs, usage},
};

pub(super) fn delta(out: &mut Vec<u8>, context: Context<'_>, choice: u32, delta: &Delta, sent: &Progress) {
    // The protocol has no place for a refusal but the text.
    let text = if delta.text.is_empty() && sent.chars() == 0 { &delta.refusal } else { &delta.text };
    let has_logprobs = context.options.logprobs && !delta.logprobs.is_empty();
    if text.is_empty() && !has_logprobs {
        return;
    }
    let logprobs =
        if has_logprobs { logprobs::completions(&delta.logprobs, sent.chars()) } else { Value::Null };
    let choices = json!([{ "index": choice, "text": text, "logprobs": logprobs, "finish_reason": null }]);
    chunk(out, context, &choices, None);
}

pub(super) fn end(out: &mut Vec<u8>, context: Context<'_>, choice: u32, finish_reason: &str) {
    let choices = json!([{ "index": choice, "text": "", "logprobs": null, "finish_reason": finish_reason }]);
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

fn chunk(out: &mut Vec<u8>, context: Context<'_>, choices: &Value, usage: Option<&Usage>) {
    let mut chunk = json!({
        "id": context.head.full_id(Endpoint::Completions),
        "object": "text_completion",
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
