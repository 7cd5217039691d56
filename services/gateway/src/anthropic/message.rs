use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    behaviour::{Finish, Part},
    protocol::Answer,
};

/// A message from the model. A stream sends it at the beginning without content; a buffered response sends it in full.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'static str>,
    stop_sequence: Option<()>,
    usage: Usage,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    Text { text: &'a str },
    ToolUse { id: String, name: &'a str, input: &'a RawValue },
}

/// Token counts of the whole answer so far.
#[derive(Serialize)]
pub(super) struct Usage {
    input_tokens: usize,
    cache_creation_input_tokens: usize,
    cache_read_input_tokens: usize,
    output_tokens: usize,
    output_tokens_details: Details,
}

#[derive(Serialize)]
struct Details {
    thinking_tokens: usize,
}

/// Takes the place of the signature by which the real API recognizes its own reasoning. The gateway does not check
/// it.
pub(super) const SIGNATURE: &str = "cnVubWlsbA==";

impl<'a> Message<'a> {
    pub fn begun(answer: &'a Answer<'_>) -> Self {
        Self::new(answer, Usage::begun(answer))
    }

    pub fn ended(answer: &'a Answer<'_>) -> Self {
        Self {
            content: answer.completion.parts().map(|part| Block::whole(answer, part)).collect(),
            stop_reason: Some(stop_reason(answer.completion.finish)),
            ..Self::new(answer, Usage::of(answer))
        }
    }

    fn new(answer: &'a Answer<'_>, usage: Usage) -> Self {
        Self {
            id: answer.id("msg_"),
            kind: "message",
            role: "assistant",
            model: &answer.request.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage,
        }
    }
}

impl<'a> Block<'a> {
    pub fn begun(answer: &'a Answer<'_>, part: Part) -> Self {
        Self::new(answer, part, "", "", "{}")
    }

    fn whole(answer: &'a Answer<'_>, part: Part) -> Self {
        let text = if part == Part::Thoughts { &answer.completion.thoughts } else { &answer.completion.text };
        Self::new(answer, part, text, SIGNATURE, text)
    }

    fn new(answer: &'a Answer<'_>, part: Part, text: &'a str, signature: &'a str, input: &'a str) -> Self {
        match part {
            Part::Thoughts => Self::Thinking { thinking: text, signature },
            Part::Text => Self::Text { text },
            Part::Call => Self::ToolUse {
                id: answer.id("toolu_"),
                name: answer.completion.call.unwrap_or_default(),
                input: serde_json::from_str(input).expect("a call has a JSON object for its arguments"),
            },
        }
    }
}

impl Usage {
    /// Returns the usage before the first token.
    fn begun(answer: &Answer<'_>) -> Self {
        Self { output_tokens: 0, output_tokens_details: Details { thinking_tokens: 0 }, ..Self::of(answer) }
    }

    pub fn of(answer: &Answer<'_>) -> Self {
        Self {
            input_tokens: answer.request.prompt_tokens,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            output_tokens: answer.completion.tokens(),
            output_tokens_details: Details { thinking_tokens: answer.completion.thought_tokens },
        }
    }
}

pub(super) fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Call => "tool_use",
    }
}
