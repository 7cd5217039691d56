use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Block, StopDetails, complete, finish},
    error,
    usage::{UsageField, WireUsage, metered},
};
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{
        Decoder, Step,
        draft::Draft,
        text::{Text, or_empty},
    },
    sse::SseEvent,
};

/// Builds an answer from the events of a stream.
#[derive(Default)]
pub(super) struct EventDecoder {
    draft: Draft,
    /// Indices of the tool calls in the content. Other blocks have arguments, too: calls of the server's own tools.
    tools: Vec<u64>,
    finish: Option<Finish>,
    usage: UsageField,
}

#[derive(Deserialize)]
struct MessageStart {
    message: Start,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    usage: UsageField,
}

#[derive(Deserialize)]
struct BlockStart<'a> {
    index: u64,
    #[serde(borrow)]
    content_block: Block<'a>,
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    index: u64,
    #[serde(borrow)]
    delta: Delta<'a>,
}

/// New part of a block. Signatures and citations are not read.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    partial_json: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct MessageDelta<'a> {
    #[serde(borrow, default)]
    delta: Option<Stop<'a>>,
    #[serde(default)]
    usage: UsageField,
}

#[derive(Deserialize)]
struct Stop<'a> {
    #[serde(borrow, default)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    stop_details: Option<StopDetails<'a>>,
}

/// Fields from which the name of an event is read if it has no SSE event name.
#[derive(Deserialize)]
struct Unnamed<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Decoder for EventDecoder {
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError> {
        if !matches!(event.name, "" | "message") {
            return self.take(event.name, event.data);
        }
        let unnamed: Unnamed<'_> = parse(event.data)?;
        let name = if unnamed.error.is_some() { "error" } else { or_empty(unnamed.kind.as_ref()) };
        self.take(name, event.data)
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        Err(ModelError::TruncatedStream)
    }

    fn usage(&self) -> Metered {
        metered(self.usage)
    }
}

impl EventDecoder {
    /// Reads one event. Unknown events are ignored: Anthropic adds events without a new API version.
    fn take(&mut self, name: &str, data: &str) -> Result<Step, ModelError> {
        let token = match name {
            "content_block_delta" => self.delta(&parse(data)?),
            "content_block_start" => self.block(&parse(data)?),
            "message_start" => {
                let MessageStart { message } = parse(data)?;
                self.count(message.usage)
            }
            "message_delta" => self.message(&parse(data)?),
            "message_stop" => return self.complete().map(Step::Complete),
            "error" => return Err(error::in_band(data)),
            _ => false,
        };
        self.draft.check()?;
        Ok(if token { Step::Token } else { Step::Quiet })
    }

    /// Reads a delta of a block. Returns true if it contains a part of the answer, as do the next three methods.
    fn delta(&mut self, BlockDelta { index, delta }: &BlockDelta<'_>) -> bool {
        match &*delta.kind.0 {
            "text_delta" => self.draft.text(or_empty(delta.text.as_ref())),
            "thinking_delta" => self.draft.reasoning(or_empty(delta.thinking.as_ref())),
            "input_json_delta" if self.tools.contains(index) => {
                let piece = or_empty(delta.partial_json.as_ref());
                self.draft.tool(*index).arguments.push_str(piece);
                !piece.is_empty()
            }
            _ => false,
        }
    }

    fn block(&mut self, BlockStart { index, content_block }: &BlockStart<'_>) -> bool {
        if content_block.is_tool() && !self.tools.contains(index) {
            self.tools.push(*index);
        }
        content_block.add_to(&mut self.draft, *index)
    }

    fn message(&mut self, MessageDelta { delta, usage }: &MessageDelta<'_>) -> bool {
        if let Some(Stop { stop_reason, stop_details }) = delta {
            self.finish = stop_reason.as_ref().map(|reason| finish(&reason.0)).or(self.finish);
            if let Some(details) = stop_details {
                details.add_to(&mut self.draft);
            }
        }
        self.count(*usage)
    }

    fn count(&mut self, usage: UsageField) -> bool {
        WireUsage::add(&mut self.usage, usage);
        false
    }

    /// Ends the answer at the terminator. Without a stop reason it is truncated: proxies send the terminator also
    /// when the connection to the server behind them broke.
    fn complete(&mut self) -> Result<ChatResponse, ModelError> {
        let finish = self.finish.ok_or(ModelError::TruncatedStream)?;
        complete(&mut self.draft, finish, metered(self.usage))
    }
}

fn parse<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, ModelError> {
    serde_json::from_str(data)
        .map_err(|error| ModelError::Malformed { message: format!("an event cannot be read: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_of_the_answer_are_tokens() {
        let tool = r#"{"index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#;
        let table = [
            ("message_start", r#"{"message":{"usage":{"input_tokens":1}}}"#, Step::Quiet),
            ("ping", r#"{"type":"ping"}"#, Step::Quiet),
            ("content_block_start", r#"{"index":0,"content_block":{"type":"text","text":""}}"#, Step::Quiet),
            ("content_block_start", tool, Step::Token),
            ("content_block_delta", r#"{"index":0,"delta":{"type":"text_delta","text":"a"}}"#, Step::Token),
            (
                "content_block_delta",
                r#"{"index":0,"delta":{"type":"thinking_delta","thinking":"a"}}"#,
                Step::Token,
            ),
            (
                "content_block_delta",
                r#"{"index":1,"delta":{"type":"input_json_delta","partial_json":"{"}}"#,
                Step::Token,
            ),
            (
                "content_block_delta",
                r#"{"index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
                Step::Quiet,
            ),
            (
                "content_block_delta",
                r#"{"index":0,"delta":{"type":"signature_delta","signature":"a"}}"#,
                Step::Quiet,
            ),
            ("content_block_stop", r#"{"index":0}"#, Step::Quiet),
            (
                "message_delta",
                r#"{"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
                Step::Quiet,
            ),
        ];
        let mut decoder = EventDecoder::default();
        for (name, data, want) in table {
            assert_eq!(decoder.event(&SseEvent { name, data }), Ok(want), "{name}: {data}");
        }
    }

    #[test]
    fn an_answer_without_end_is_an_error() {
        let piece = "x".repeat(1 << 20);
        let data = format!(r#"{{"index":0,"delta":{{"type":"text_delta","text":"{piece}"}}}}"#);
        let event = SseEvent { name: "content_block_delta", data: &data };
        let mut decoder = EventDecoder::default();
        for _ in 0..32 {
            assert_eq!(decoder.event(&event), Ok(Step::Token));
        }
        assert!(matches!(decoder.event(&event), Err(ModelError::Malformed { .. })));
    }
}
