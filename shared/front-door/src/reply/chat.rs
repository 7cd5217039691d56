use runmill_proto::{
    ToolCall,
    chat::{Finish, ModelAnswer},
};
use serde_json::{Value, json};

use super::{ReplyHead, ReplyOptions, logprobs, usage};
use crate::Endpoint;

pub(super) fn write(options: &ReplyOptions, head: &ReplyHead, answers: &[ModelAnswer]) -> Value {
    let choices = (0..).zip(answers).map(|(index, answer)| choice(options, head, index, answer));
    json!({
        "id": head.full_id(Endpoint::ChatCompletions),
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": choices.collect::<Vec<_>>(),
        "usage": usage::chat(&usage::total(head, answers)),
        "service_tier": null,
        "system_fingerprint": null,
    })
}

fn choice(options: &ReplyOptions, head: &ReplyHead, index: u32, answer: &ModelAnswer) -> Value {
    let logprobs = answer.logprobs.as_ref().filter(|_| options.logprobs);
    json!({
        "index": index,
        "message": message(head, index, answer),
        "logprobs": logprobs.map(|tokens| logprobs::chat(tokens)),
        "finish_reason": finish_reason(answer),
    })
}

fn message(head: &ReplyHead, choice: u32, answer: &ModelAnswer) -> Value {
    // Without a text, null says that something else is the answer.
    let is_elsewhere = answer.refusal.is_some() || !answer.tool_calls.is_empty();
    let content = (!answer.text.is_empty() || !is_elsewhere).then_some(&answer.text);
    let mut message =
        json!({ "role": "assistant", "content": content, "refusal": answer.refusal, "annotations": [] });
    if let Some(reasoning) = &answer.reasoning {
        message["reasoning_content"] = json!(reasoning);
    }
    if !answer.tool_calls.is_empty() {
        let calls = (0..).zip(&answer.tool_calls).map(|(index, call)| tool_call(head, choice, index, call));
        message["tool_calls"] = calls.collect();
    }
    message
}

fn tool_call(head: &ReplyHead, choice: u32, index: u32, call: &ToolCall) -> Value {
    json!({
        "id": head.call_id(choice, index, &call.id),
        "type": "function",
        "function": { "name": call.name, "arguments": call.arguments },
    })
}

/// Returns the reason in OpenAI's words. Every client knows these, and reads others as a failure.
pub(crate) fn finish_reason(answer: &ModelAnswer) -> &'static str {
    match answer.finish {
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::ToolCalls => "tool_calls",
        // Some providers say that the model stopped when it calls a tool.
        Finish::Stop | Finish::Other if !answer.tool_calls.is_empty() => "tool_calls",
        Finish::Stop | Finish::Other => "stop",
    }
}
