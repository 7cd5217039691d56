use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Logprobs, Message, finish};
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{Decoder, Step, draft::Draft, openai::error, text::Text},
    sse::SseEvent,
};

/// Builds an answer from the chunks of a stream.
#[derive(Default)]
pub(super) struct ChunkDecoder {
    draft: Draft,
    finish: Option<Finish>,
    usage: Metered,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    /// New part of the answer.
    #[serde(borrow, default)]
    delta: Option<Message<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
    /// `OpenRouter`'s field with the error of the provider behind it.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Decoder for ChunkDecoder {
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError> {
        if event.data == "[DONE]" {
            return self.complete().map(Step::Complete);
        }
        let chunk: Answer<'_, Choice<'_>> = serde_json::from_str(event.data)
            .map_err(|error| ModelError::Malformed { message: format!("a chunk cannot be read: {error}") })?;
        chunk.meter(&mut self.usage);
        if chunk.is_error() || event.name == "error" {
            return Err(error::in_band(event.data));
        }
        // Requests ask for one choice, so only the first is read.
        let mut choices = chunk.choices.unwrap_or_default().into_iter();
        let choice = choices.find(|choice| choice.index == 0);
        let token = choice.map(|choice| self.add(choice)).transpose()?.unwrap_or(false);
        self.draft.check()?;
        Ok(if token { Step::Token } else { Step::Quiet })
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        Err(ModelError::TruncatedStream)
    }

    fn usage(&self) -> Metered {
        self.usage
    }
}

impl ChunkDecoder {
    /// Adds a choice. Returns true if it contains a part of the answer.
    fn add(&mut self, mut choice: Choice<'_>) -> Result<bool, ModelError> {
        if let Some(error) = choice.error {
            return Err(error::in_band(error.get()));
        }
        self.finish = finish(choice.finish_reason.as_ref())?.or(self.finish);
        let logprobs = choice.logprobs.take().and_then(|logprobs| logprobs.content);
        self.draft.logprobs(logprobs.into_iter().flatten());
        Ok(choice.delta.as_ref().is_some_and(|delta| delta.add_to(&mut self.draft)))
    }

    /// Ends the answer at `[DONE]`. Without a finish reason it is truncated: proxies send `[DONE]` also when the
    /// connection to the server behind them broke.
    fn complete(&mut self) -> Result<ChatResponse, ModelError> {
        let finish = self.finish.ok_or(ModelError::TruncatedStream)?;
        self.draft.complete(finish, self.usage)
    }
}
