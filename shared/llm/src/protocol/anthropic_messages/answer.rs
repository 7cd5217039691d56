//! Wire format of the parts that streamed and buffered answers have in common.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Finish,
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
                let (id, name) = (or_empty(self.id.as_ref()), or_empty(self.name.as_ref()));
                let call = draft.tool_of(Some(number), id, name);
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
