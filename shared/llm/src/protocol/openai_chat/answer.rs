//! What streamed and buffered answers have in common on the wire.

use std::borrow::Cow;

use runmill_proto::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Finish;

/// A chunk of a stream, or a whole answer: they differ in what a choice holds.
///
/// Borrowed from the bytes where it can be: a token should cost no allocation but its place in the answer.
#[derive(Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub(super) struct Answer<'a, C> {
    #[serde(default = "Option::default")]
    pub choices: Option<Vec<C>>,
    #[serde(default)]
    pub usage: Option<WireUsage>,
    /// Some servers send an error where an answer should be, with a status of 200.
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub content: Option<Text<'a>>,
    /// Not in OpenAI's protocol; vLLM, `DeepSeek` and others.
    #[serde(borrow, default)]
    pub reasoning_content: Option<Text<'a>>,
    /// The newer name of the same. A server that sends both repeats itself.
    #[serde(borrow, default)]
    pub reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub refusal: Option<Text<'a>>,
}

/// Borrowed unless it holds an escape. A type of its own, because serde does not borrow a `Cow` inside an
/// `Option`.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Clone, Copy, Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
    /// `DeepSeek`'s name for cached tokens.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let cached = wire.prompt_tokens_details.and_then(|details| details.cached_tokens);
        let written = wire.prompt_tokens_details.and_then(|details| details.cache_write_tokens);
        let reasoning = wire.completion_tokens_details.and_then(|details| details.reasoning_tokens);
        Self {
            prompt_tokens: wire.prompt_tokens.unwrap_or(0),
            completion_tokens: wire.completion_tokens.unwrap_or(0),
            cached_tokens: cached.or(wire.prompt_cache_hit_tokens).unwrap_or(0),
            cache_write_tokens: written.unwrap_or(0),
            reasoning_tokens: reasoning.unwrap_or(0),
        }
    }
}

impl<'a> Message<'a> {
    pub fn reasoning(&self) -> Option<&Text<'a>> {
        self.reasoning_content.as_ref().or(self.reasoning.as_ref())
    }
}

impl Text<'_> {
    /// As a `finish_reason`: `None` until the model has stopped, which some servers say with an empty text
    /// instead of null.
    pub fn finish(&self) -> Option<Finish> {
        Some(match &*self.0 {
            "" => return None,
            "stop" => Finish::Stop,
            "length" => Finish::Length,
            "tool_calls" | "function_call" => Finish::ToolCalls,
            "content_filter" => Finish::ContentFilter,
            _ => Finish::Other,
        })
    }
}
