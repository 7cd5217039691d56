use runmill_proto::chat;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Block, StopDetails, finish},
    error,
    usage::{UsageField, WireUsage, metered},
};
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{
        Decoder, Progress, Step,
        draft::Draft,
        ending::Ending,
        lenient,
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
    ending: Ending,
}

#[derive(Deserialize)]
struct MessageStart<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    message: Option<Start<'a>>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    model: Option<Text<'a>>,
    #[serde(default)]
    usage: UsageField,
}

#[derive(Deserialize)]
struct BlockStart<'a> {
    #[serde(default, deserialize_with = "lenient::number")]
    index: Option<u64>,
    #[serde(borrow)]
    content_block: Block<'a>,
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    #[serde(default, deserialize_with = "lenient::number")]
    index: Option<u64>,
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
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    delta: Option<Stop<'a>>,
    #[serde(default)]
    usage: UsageField,
}

#[derive(Deserialize)]
struct Stop<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    stop_details: Option<StopDetails<'a>>,
}

/// Fields from which the name of an event is read if it has no SSE event name.
#[derive(Deserialize)]
struct Unnamed<'a> {
    #[serde(borrow, rename = "type", default, deserialize_with = "lenient::text")]
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
        let finish = self.finish.ok_or(ModelError::TruncatedStream)?;
        self.draft.fill_arguments();
        self.draft.complete_without_mark(finish, metered(self.usage))
    }

    fn news(&mut self) -> chat::Delta {
        self.draft.news()
    }

    fn progress(&self) -> Progress {
        self.ending.progress()
    }

    fn usage(&self) -> Metered {
        metered(self.usage)
    }
}

impl EventDecoder {
    /// Reads one event. Unknown events are ignored: Anthropic adds events without a new API version.
    fn take(&mut self, name: &str, data: &str) -> Result<Step, ModelError> {
        let part = match name {
            "content_block_delta" => self.delta(&parse(data)?),
            "content_block_start" => self.block(&parse(data)?),
            "message_start" => self.start(parse(data)?),
            "message_delta" => self.message(&parse(data)?),
            "message_stop" => return self.complete().map(|answer| Step::Complete(Box::new(answer))),
            "error" => return Err(error::in_band(data)),
            _ => false,
        };
        self.draft.check()?;
        if part {
            self.ending.read(true, false, false);
        }
        Ok(if part { Step::Token } else { Step::Quiet })
    }

    /// Reads a delta of a block. Returns true if it contains a part of the answer, as do the next three methods.
    fn delta(&mut self, BlockDelta { index, delta }: &BlockDelta<'_>) -> bool {
        let index = index.unwrap_or(0);
        match &*delta.kind.0 {
            "text_delta" => self.draft.text(or_empty(delta.text.as_ref())),
            "thinking_delta" => self.draft.reasoning(or_empty(delta.thinking.as_ref())),
            "input_json_delta" if self.tools.contains(&index) => {
                let piece = or_empty(delta.partial_json.as_ref());
                self.draft.tool(index).arguments.push_str(piece);
                !piece.is_empty()
            }
            _ => false,
        }
    }

    fn block(&mut self, BlockStart { index, content_block }: &BlockStart<'_>) -> bool {
        let index = index.unwrap_or(0);
        if content_block.is_tool() && !self.tools.contains(&index) {
            self.tools.push(index);
        }
        content_block.add_to(&mut self.draft, index)
    }

    fn start(&mut self, MessageStart { message }: MessageStart<'_>) -> bool {
        if let Some(Start { model, usage }) = message {
            self.draft.answered_by(or_empty(model.as_ref()));
            self.count(usage);
        }
        false
    }

    fn message(&mut self, MessageDelta { delta, usage }: &MessageDelta<'_>) -> bool {
        let mut reason = None;
        if let Some(Stop { stop_reason, stop_details }) = delta {
            reason = finish(stop_reason.as_ref());
            self.finish = reason.or(self.finish);
            if let Some(details) = stop_details {
                details.add_to(&mut self.draft);
            }
        }
        self.count(*usage);
        self.ending.read(false, reason.is_some(), usage.read().is_some());
        false
    }

    fn count(&mut self, usage: UsageField) {
        WireUsage::add(&mut self.usage, usage);
    }

    /// Ends the answer at the terminator. Without a reason to stop it is truncated, unless its tokens were counted at
    /// its end: proxies send the terminator also when the connection to the server behind them broke.
    fn complete(&mut self) -> Result<ChatResponse, ModelError> {
        let finish = self.finish.or(self.ending.is_counted().then_some(Finish::Other));
        let finish = finish.ok_or(ModelError::NoStopReason)?;
        self.draft.fill_arguments();
        self.draft.complete(finish, metered(self.usage))
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
