//! What streamed and buffered answers have in common on the wire.

use runmill_proto::{TokenLogprob, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::Content;
use crate::{
    Finish, ModelError,
    protocol::{
        draft::Draft,
        text::{Text, or_empty},
    },
};

/// A chunk of a stream, or a whole answer: they differ in what a choice holds.
///
/// Borrowed from the bytes where it can be: a token should cost no allocation but its place in the answer.
#[derive(Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub(super) struct Answer<'a, C> {
    #[serde(default = "Option::default")]
    pub choices: Option<Vec<C>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    /// Groq's place for the usage of a stream, whether it is asked for or not.
    #[serde(default)]
    x_groq: Option<Groq>,
    /// Some servers send an error where an answer should be, with a status of 200.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    object: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Groq {
    #[serde(default)]
    usage: Option<WireUsage>,
}

impl<C> Answer<'_, C> {
    /// An error as most have it, or as older vLLM has it: all there is, named by its `object`.
    pub fn is_error(&self) -> bool {
        self.error.is_some() || or_empty(self.object.as_ref()) == "error"
    }

    pub fn usage(&self) -> Option<Usage> {
        self.usage.or_else(|| self.x_groq.as_ref()?.usage).map(Into::into)
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    /// Not in OpenAI's protocol; vLLM, `DeepSeek` and others.
    #[serde(borrow, default)]
    reasoning_content: Option<Text<'a>>,
    /// The newer name of the same. A server that sends both repeats itself.
    #[serde(borrow, default)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default = "Option::default")]
    tool_calls: Option<Vec<WireToolCall<'a>>>,
}

/// A tool call, or the next part of one: then name and id come with its first part alone.
#[derive(Deserialize)]
struct WireToolCall<'a> {
    /// Absent from a buffered answer, where the calls are in order, and from streams of some servers.
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    function: Option<WireFunction<'a>>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    arguments: Option<Text<'a>>,
}

/// `logprobs` of a choice. Read only where it is asked for: it is many times the answer's size.
#[derive(Default, Deserialize)]
pub(super) struct Logprobs {
    #[serde(default)]
    pub content: Option<Vec<TokenLogprob>>,
}

#[derive(Clone, Copy, Deserialize)]
struct WireUsage {
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

impl Message<'_> {
    /// Whether there was anything to add.
    pub fn add_to(&self, draft: &mut Draft) -> bool {
        let reasoning = self.reasoning_content.as_ref().or(self.reasoning.as_ref());
        let parts = [
            self.content.as_ref().is_some_and(|content| content.add_to(draft)),
            draft.reasoning(or_empty(reasoning)),
            draft.refusal(or_empty(self.refusal.as_ref())),
        ];
        let mut added = parts.contains(&true);
        for call in self.tool_calls.iter().flatten() {
            call.add_to(draft);
            added = true;
        }
        added
    }
}

impl WireToolCall<'_> {
    fn add_to(&self, draft: &mut Draft) {
        let function = self.function.as_ref();
        let (id, name) = (or_empty(self.id.as_ref()), or_empty(function.and_then(|it| it.name.as_ref())));
        let call = draft.tool_of(self.index, id, name);
        set(&mut call.id, id);
        set(&mut call.name, name);
        call.arguments.push_str(or_empty(function.and_then(|it| it.arguments.as_ref())));
    }
}

/// Sets what is told; servers that fill in every field tell it again.
fn set(whole: &mut String, told: &str) {
    if !told.is_empty() {
        told.clone_into(whole);
    }
}

/// A `finish_reason`: `None` until the model has stopped, which some servers say with an empty text instead of
/// null. An error where it says that the server stopped, not the model.
pub(super) fn finish(reason: Option<&Text<'_>>) -> Result<Option<Finish>, ModelError> {
    let Some(Text(reason)) = reason else { return Ok(None) };
    Ok(Some(match &**reason {
        "" => return Ok(None),
        "stop" => Finish::Stop,
        // The second: Mistral, at the end of its context.
        "length" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        // The second: Z.ai.
        "content_filter" | "sensitive" => Finish::ContentFilter,
        // In the words of: OpenRouter and Mistral; vLLM and SGLang; Z.ai.
        "error" | "abort" | "network_error" => {
            let message = format!("it stopped for the reason {reason}");
            return Err(ModelError::ServerError { status: 500, message, after: None });
        }
        // DeepSeek.
        "insufficient_system_resource" => {
            let message = format!("it stopped for the reason {reason}");
            return Err(ModelError::Overloaded { message, after: None });
        }
        _ => Finish::Other,
    }))
}
