use runmill_proto::chat::Delta;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    item::{Item, PARAGRAPH, logprobs},
    response::Response,
};
use crate::{
    ChatResponse, Metered, ModelError,
    protocol::{
        Decoder, Progress, Step,
        draft::Draft,
        lenient,
        openai::error,
        text::{Text, text_or_json},
    },
    sse::SseEvent,
};

/// Builds an answer from the events of a stream.
#[derive(Default)]
pub(super) struct EventDecoder {
    draft: Draft,
    /// True if an event has sent a part of the answer.
    has_part: bool,
    usage: Metered,
}

/// An event of any type. Each type has some of these fields. Large fields are parsed only where they are used.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default, deserialize_with = "lenient::text")]
    kind: Option<Text<'a>>,
    /// New part of the answer.
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    logprobs: Option<&'a RawValue>,
    /// Number of an item in the answer.
    #[serde(default, deserialize_with = "lenient::number")]
    output_index: Option<u64>,
    #[serde(default, deserialize_with = "lenient::number")]
    summary_index: Option<u64>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

impl Decoder for EventDecoder {
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError> {
        // `[DONE]` is not part of this protocol, but some proxies end every stream with it, also one that broke off.
        if event.data == "[DONE]" {
            return Ok(Step::Quiet);
        }
        let news: Event<'_> = read(event.data)?;
        let kind = news.kind.as_ref().map_or(event.name, |kind| &kind.0);
        let is_part = match kind {
            "response.output_text.delta" => {
                self.add_logprobs(&news);
                self.draft.text(&news.delta()?.0)
            }
            "response.refusal.delta" => self.draft.refusal(&news.delta()?.0),
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                self.draft.reasoning(&news.delta()?.0)
            }
            "response.reasoning_summary_part.added" => {
                news.summary_index > Some(0) && self.draft.reasoning(PARAGRAPH)
            }
            "response.function_call_arguments.delta" => {
                if let Some(delta) = news.delta {
                    self.draft.tool(news.output_index.unwrap_or(0)).arguments.push_str(&text_or_json(delta));
                }
                true
            }
            "response.output_item.added" | "response.output_item.done" => self.set_call(&news)?,
            "response.completed" | "response.incomplete" | "response.failed" => {
                return self.complete(&news).map(|answer| Step::Complete(Box::new(answer)));
            }
            "error" => return Err(error::in_band(event.data)),
            _ => false,
        };
        self.draft.check()?;
        self.has_part |= is_part;
        Ok(if is_part { Step::Token } else { Step::Quiet })
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        Err(ModelError::TruncatedStream)
    }

    fn news(&mut self) -> Delta {
        self.draft.news()
    }

    /// The terminator alone contains the reason to stop.
    fn progress(&self) -> Progress {
        Progress::Partial
    }

    fn usage(&self) -> Metered {
        self.usage
    }
}

impl EventDecoder {
    fn add_logprobs(&mut self, news: &Event<'_>) {
        // The list is empty unless log probabilities were requested.
        if let Some(list) = news.logprobs.filter(|list| list.get() != "[]") {
            self.draft.logprobs(logprobs(list));
        }
    }

    /// Sets a function call from an item's start or end. Returns false for other items, whose parts are sent in other
    /// events.
    fn set_call(&mut self, news: &Event<'_>) -> Result<bool, ModelError> {
        let Some(item) = news.item else { return Ok(false) };
        let item: Item<'_> = read(item.get())?;
        if item.is_function_call() {
            item.set(self.draft.tool(news.output_index.unwrap_or(0)));
        }
        Ok(item.is_function_call())
    }

    /// Completes the answer at the terminator. The terminator repeats the whole answer, which is used only if no
    /// earlier event contained a part of it.
    fn complete(&mut self, news: &Event<'_>) -> Result<ChatResponse, ModelError> {
        let response = news.response.ok_or_else(|| malformed("the last one has no `response`"))?;
        let response = Response::read(response.get())?;
        self.usage = response.usage();
        if !self.has_part {
            response.add_to(&mut self.draft)?;
        }
        response.complete(&mut self.draft)
    }
}

impl Event<'_> {
    /// Reads the new text.
    fn delta(&self) -> Result<Text<'_>, ModelError> {
        self.delta.map_or_else(|| Ok(Text::default()), |delta| read(delta.get()))
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ModelError> {
    serde_json::from_str(json).map_err(malformed)
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: format!("an event cannot be read: {what}") }
}
