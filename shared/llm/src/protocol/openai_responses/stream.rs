use runmill_proto::{TokenLogprob, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    item::{Item, PARAGRAPH},
    response::Response,
};
use crate::{
    ChatResponse, ModelError,
    protocol::{Decoder, Step, draft::Draft, openai::error, text::Text},
    sse::SseEvent,
};

/// Adds up the events of one streamed answer.
#[derive(Default)]
pub(super) struct EventDecoder {
    draft: Draft,
    /// Whether any event has told part of the answer.
    is_told: bool,
    usage: Option<Usage>,
}

/// Any event; each type has some of these. What is large is read only where it is asked for.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Text<'a>>,
    /// What is new.
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    logprobs: Option<&'a RawValue>,
    /// The number of an item in the answer.
    #[serde(default)]
    output_index: u64,
    #[serde(default)]
    summary_index: u64,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

impl Decoder for EventDecoder {
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError> {
        // Not of this protocol, but some proxies end every stream so. It proves nothing.
        if event.data == "[DONE]" {
            return Ok(Step::Quiet);
        }
        let news: Event<'_> = read(event.data)?;
        let kind = news.kind.as_ref().map_or(event.name, |kind| &kind.0);
        let is_part = match kind {
            "response.output_text.delta" => {
                self.add_logprobs(&news)?;
                self.draft.text(&news.delta()?.0)
            }
            "response.refusal.delta" => self.draft.refusal(&news.delta()?.0),
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                self.draft.reasoning(&news.delta()?.0)
            }
            "response.reasoning_summary_part.added" => {
                news.summary_index > 0 && self.draft.reasoning(PARAGRAPH)
            }
            "response.function_call_arguments.delta" => {
                self.draft.tool(news.output_index).arguments.push_str(&news.delta()?.0);
                true
            }
            "response.output_item.added" | "response.output_item.done" => self.set_call(&news)?,
            "response.completed" | "response.incomplete" | "response.failed" => {
                return self.complete(&news).map(Step::Complete);
            }
            "error" => return Err(error::in_band(event.data)),
            _ => false,
        };
        self.draft.check()?;
        self.is_told |= is_part;
        Ok(if is_part { Step::Token } else { Step::Quiet })
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        Err(ModelError::TruncatedStream)
    }

    fn usage(&self) -> Option<Usage> {
        self.usage
    }
}

impl EventDecoder {
    fn add_logprobs(&mut self, news: &Event<'_>) -> Result<(), ModelError> {
        // Empty unless they were asked for.
        if let Some(logprobs) = news.logprobs.filter(|logprobs| logprobs.get() != "[]") {
            self.draft.logprobs(read::<Vec<TokenLogprob>>(logprobs.get())?);
        }
        Ok(())
    }

    /// Whether the item is a function call. A message and reasoning come in parts of their own.
    fn set_call(&mut self, news: &Event<'_>) -> Result<bool, ModelError> {
        let Some(item) = news.item else { return Ok(false) };
        let item: Item<'_> = read(item.get())?;
        if item.is_function_call() {
            item.set(self.draft.tool(news.output_index));
        }
        Ok(item.is_function_call())
    }

    /// The terminator holds the whole answer again; it is read from there only if it was not told before.
    fn complete(&mut self, news: &Event<'_>) -> Result<ChatResponse, ModelError> {
        let response = news.response.ok_or_else(|| malformed("the last has no response"))?;
        let response = Response::read(response.get())?;
        self.usage = response.usage();
        if !self.is_told {
            response.add_to(&mut self.draft)?;
        }
        response.complete(&mut self.draft)
    }
}

impl Event<'_> {
    /// The text that is new.
    fn delta(&self) -> Result<Text<'_>, ModelError> {
        self.delta.map_or_else(|| Ok(Text::default()), |delta| read(delta.get()))
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ModelError> {
    serde_json::from_str(json).map_err(malformed)
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: format!("an event: {what}") }
}
