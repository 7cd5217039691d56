//! Wire format of the parts that streamed and buffered answers have in common.

use runmill_pricing::ServiceTier;
use runmill_proto::TokenLogprob;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::content::Content;
use crate::{
    Finish, Metered, ModelError,
    protocol::{
        draft::Draft,
        lenient::{self, Lenient},
        openai::usage::UsageField,
        text::{Text, or_empty, text_or_json},
    },
};

/// A chunk of a stream, or a buffered answer. They differ only in the type of a choice, `C`.
///
/// Texts are borrowed from the bytes where possible, so that reading a token allocates nothing.
#[derive(Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub(super) struct Answer<'a, C> {
    #[serde(default = "Option::default")]
    pub choices: Option<Vec<C>>,
    #[serde(default)]
    usage: UsageField,
    #[serde(default)]
    service_tier: Lenient<ServiceTier>,
    /// Groq's field with the usage of a stream. It is sent even if it was not requested.
    #[serde(default, deserialize_with = "lenient::object")]
    x_groq: Option<Groq>,
    /// Some servers send an error in place of an answer, with a status of 200.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    object: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    model: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Groq {
    #[serde(default)]
    usage: UsageField,
}

impl<C> Answer<'_, C> {
    /// Returns true for an error in the field `error`, or in older vLLM's shape, where `object` is `error`.
    pub fn is_error(&self) -> bool {
        self.error.is_some() || or_empty(self.object.as_ref()) == "error"
    }

    /// Returns the name that the answer gives to its model, or an empty text.
    pub fn model(&self) -> &str {
        or_empty(self.model.as_ref())
    }

    /// Adds what the provider has counted to what it had told before. Returns true if it has counted something.
    pub fn meter(&self, metered: &mut Metered) -> bool {
        let groq = || self.x_groq.as_ref()?.usage.0.as_deref();
        let usage = self.usage.0.as_deref().or_else(groq);
        if let Some(usage) = usage {
            metered.update(*usage);
        }
        if let Some(service) = self.service_tier.read() {
            metered.billing.terms.service = service;
        }
        usage.is_some_and(|metered| metered.usage.is_some())
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    /// Reasoning text in the answers of vLLM, `DeepSeek` and others. OpenAI's protocol has no such field.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    reasoning_content: Option<Text<'a>>,
    /// Newer name of `reasoning_content`. A server that sends both sends the same text twice.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    reasoning: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::list")]
    tool_calls: Option<Vec<WireToolCall<'a>>>,
}

/// A tool call, or the next part of one. Only the first part has a name and an id.
#[derive(Deserialize)]
struct WireToolCall<'a> {
    /// Number of the call. Absent in a buffered answer, where the calls are in order, and in the streams of some
    /// servers.
    #[serde(default, deserialize_with = "lenient::number")]
    index: Option<u64>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    function: Option<WireFunction<'a>>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    name: Option<Text<'a>>,
    /// A text. Some servers send the object itself.
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// `logprobs` of a choice. They are many times larger than the answer's text.
#[derive(Default, Deserialize)]
pub(super) struct Logprobs {
    #[serde(default)]
    pub content: Option<Vec<TokenLogprob>>,
}

/// `logprobs` of another shape, such as that of the older completions, which are not read.
#[derive(Default, Deserialize)]
#[serde(from = "IgnoredAny")]
pub(super) struct Unread;

impl From<IgnoredAny> for Unread {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}

impl From<Unread> for Logprobs {
    fn from(_: Unread) -> Self {
        Self::default()
    }
}

impl Message<'_> {
    /// Adds the message to the answer. Returns false if there was nothing to add.
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
        if let Some(arguments) = function.and_then(|it| it.arguments) {
            call.arguments.push_str(&text_or_json(arguments));
        }
    }
}

/// Reads a `finish_reason`. Returns `None` until the model has stopped, for which some servers send an empty text
/// instead of null. Returns an error for a reason that means that the server stopped, and not the model.
pub(super) fn finish(reason: Option<&Text<'_>>) -> Result<Option<Finish>, ModelError> {
    let Some(Text(reason)) = reason else { return Ok(None) };
    Ok(Some(match &**reason {
        "" => return Ok(None),
        "stop" => Finish::Stop,
        // `model_length` is Mistral's reason at the end of the context window.
        "length" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        // `sensitive` is Z.ai's.
        "content_filter" | "sensitive" => Finish::ContentFilter,
        // Reasons of, in this order: OpenRouter and Mistral; vLLM and SGLang; Z.ai.
        "error" | "abort" | "network_error" => {
            let message = format!("the answer ended with the reason `{reason}`");
            return Err(ModelError::ServerError { status: 500, message, after: None });
        }
        // DeepSeek's reason.
        "insufficient_system_resource" => {
            let message = format!("the answer ended with the reason `{reason}`");
            return Err(ModelError::Overloaded { message, after: None });
        }
        _ => Finish::Other,
    }))
}
