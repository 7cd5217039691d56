use runmill_proto::chat::{Finish, ModelAnswer};
use serde_json::{Value, json};

use super::{ReplyHead, ReplyOptions, logprobs, usage};
use crate::Endpoint;

pub(super) fn write(options: &ReplyOptions, head: &ReplyHead, answers: &[ModelAnswer]) -> Value {
    let choices = (0..).zip(answers).map(|(index, answer)| choice(options, index, answer));
    json!({
        "id": head.full_id(Endpoint::Completions),
        "object": "text_completion",
        "created": head.created,
        "model": head.model,
        "choices": choices.collect::<Vec<_>>(),
        "usage": usage::chat(&usage::total(head, answers)),
        "system_fingerprint": null,
    })
}

fn choice(options: &ReplyOptions, index: u32, answer: &ModelAnswer) -> Value {
    let logprobs = answer.logprobs.as_ref().filter(|_| options.logprobs);
    // The protocol has no place for a refusal but the text.
    let text =
        if answer.text.is_empty() { answer.refusal.as_deref().unwrap_or_default() } else { &answer.text };
    json!({
        "index": index,
        "text": text,
        "logprobs": logprobs.map(|tokens| logprobs::completions(tokens, 0)),
        "finish_reason": finish_reason(answer),
    })
}

pub(crate) const fn finish_reason(answer: &ModelAnswer) -> &'static str {
    match answer.finish {
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::Stop | Finish::ToolCalls | Finish::Other => "stop",
    }
}
