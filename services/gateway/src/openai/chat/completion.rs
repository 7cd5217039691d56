use serde::Serialize;

use super::logprobs::Logprobs;
use crate::{
    behaviour::{Completion, Finish},
    protocol::Answer,
};

/// Response to a request that does not stream.
#[derive(Serialize)]
pub(super) struct ChatCompletion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: Usage,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<Logprobs<'a>>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    /// Reasoning, in the field that vLLM, `DeepSeek` and others have. `OpenAI` itself has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ToolCall<'a>; 1]>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
pub(super) struct Usage {
    #[serde(rename = "prompt_tokens")]
    prompt: usize,
    #[serde(rename = "completion_tokens")]
    completion: usize,
    #[serde(rename = "total_tokens")]
    total: usize,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: usize,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: usize,
}

impl<'a> ChatCompletion<'a> {
    pub fn of(answer: &'a Answer<'_>) -> Self {
        Self {
            id: id(answer),
            object: "chat.completion",
            created: answer.created,
            model: &answer.request.model,
            choices: [Choice {
                index: 0,
                message: Message::of(answer),
                logprobs: Logprobs::of(answer),
                finish_reason: finish_reason(answer.completion.finish),
            }],
            usage: Usage::of(answer),
        }
    }
}

impl<'a> Message<'a> {
    fn of(answer: &'a Answer<'_>) -> Self {
        let Completion { thoughts, call, text, thought_tokens, .. } = &answer.completion;
        let tool_calls = call.map(|name| {
            let function = Function { name, arguments: text };
            [ToolCall { id: call_id(answer), kind: "function", function }]
        });
        Self {
            role: "assistant",
            content: call.is_none().then_some(&**text),
            reasoning_content: (*thought_tokens > 0).then_some(&**thoughts),
            refusal: None,
            tool_calls,
        }
    }
}

impl Usage {
    pub fn of(answer: &Answer<'_>) -> Self {
        Self {
            prompt: answer.request.prompt_tokens,
            completion: answer.completion.tokens(),
            total: answer.total_tokens(),
            prompt_tokens_details: PromptDetails { cached_tokens: 0 },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: answer.completion.thought_tokens,
            },
        }
    }
}

pub(super) fn id(answer: &Answer<'_>) -> String {
    answer.id("chatcmpl-")
}

pub(super) fn call_id(answer: &Answer<'_>) -> String {
    answer.id("call_")
}

pub(super) fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Call => "tool_calls",
    }
}
