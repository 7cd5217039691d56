//! Wire format of the parts that streamed and buffered answers have in common.

use runmill_proto::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    ChatResponse, Finish,
    protocol::{
        draft::Draft,
        lenient,
        text::{Text, or_empty},
    },
};

/// A block of the content, or the start of one. Kinds that are not part of the answer are ignored: calls and results
/// of the server's own tools, and redacted thinking.
#[derive(Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// Reason for a refusal, if the provider sends one.
#[derive(Deserialize)]
pub(super) struct StopDetails<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    explanation: Option<Text<'a>>,
}

/// Token counts so far. A stream sends some at its start and all at its end.
#[derive(Clone, Copy, Default, Deserialize)]
pub(super) struct WireUsage {
    /// Number of tokens that were neither read from a cache nor written to it.
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Deserialize)]
struct OutputDetails {
    #[serde(default)]
    thinking_tokens: Option<u64>,
}

impl Block<'_> {
    pub fn is_tool(&self) -> bool {
        self.kind.0 == "tool_use"
    }

    /// Adds the block to the answer. Returns false if there was nothing to add. `number` is the block's index in the
    /// content.
    pub fn add_to(&self, draft: &mut Draft, number: u64) -> bool {
        match &*self.kind.0 {
            "text" => draft.text(or_empty(self.text.as_ref())),
            "thinking" => draft.reasoning(or_empty(self.thinking.as_ref())),
            "tool_use" => {
                let call = draft.tool(number);
                call.id.push_str(or_empty(self.id.as_ref()));
                call.name.push_str(or_empty(self.name.as_ref()));
                call.arguments.push_str(self.arguments());
                true
            }
            _ => false,
        }
    }

    /// Returns the arguments of a call, or an empty text for an empty object: a stream starts every call with an
    /// empty object, and sends the arguments after it, in pieces.
    fn arguments(&self) -> &str {
        let input = self.input.map_or("", RawValue::get);
        let members = input.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        members.filter(|members| !members.trim().is_empty()).map_or("", |_| input)
    }
}

impl StopDetails<'_> {
    pub fn add_to(&self, draft: &mut Draft) {
        draft.refusal(or_empty(self.explanation.as_ref()));
    }
}

impl WireUsage {
    /// Replaces each count by the later one. A later zero is ignored, because servers send it for counts that they
    /// have already sent.
    pub fn update(&mut self, later: Self) {
        let newer = |old: Option<u64>, new: Option<u64>| new.filter(|&count| count > 0).or(old);
        *self = Self {
            input_tokens: newer(self.input_tokens, later.input_tokens),
            cache_read_input_tokens: newer(self.cache_read_input_tokens, later.cache_read_input_tokens),
            cache_creation_input_tokens: newer(
                self.cache_creation_input_tokens,
                later.cache_creation_input_tokens,
            ),
            output_tokens: newer(self.output_tokens, later.output_tokens),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
        };
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let cached_tokens = wire.cache_read_input_tokens.unwrap_or(0);
        let cache_write_tokens = wire.cache_creation_input_tokens.unwrap_or(0);
        let input = wire.input_tokens.unwrap_or(0);
        Self {
            prompt_tokens: input.saturating_add(cached_tokens).saturating_add(cache_write_tokens),
            completion_tokens: wire.output_tokens.unwrap_or(0),
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens: wire.output_tokens_details.and_then(|d| d.thinking_tokens).unwrap_or(0),
        }
    }
}

/// Reads a `stop_reason`. Returns `None` if it is absent or empty.
pub(super) fn finish(reason: Option<&Text<'_>>) -> Option<Finish> {
    Some(match or_empty(reason) {
        "" => return None,
        "end_turn" | "stop_sequence" => Finish::Stop,
        // A paused turn could be continued only by another request, which is not made, so the answer is truncated.
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::ContentFilter,
        _ => Finish::Other,
    })
}

/// Sets the arguments of a call without any to an empty object.
pub(super) fn with_arguments(mut answer: ChatResponse) -> ChatResponse {
    for call in answer.tool_calls.iter_mut().filter(|call| call.arguments.is_empty()) {
        call.arguments.push_str("{}");
    }
    answer
}
