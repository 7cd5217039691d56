use runmill_proto::chat::Delta;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Logprobs, Message, Unread, finish};
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{Decoder, Progress, Step, draft::Draft, ending::Ending, lenient, openai::error, text::Text},
    sse::SseEvent,
};

/// Builds an answer from the chunks of a stream.
#[derive(Default)]
pub(super) struct ChunkDecoder {
    draft: Draft,
    finish: Option<Finish>,
    usage: Metered,
    ending: Ending,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "L: Deserialize<'de>"))]
struct Choice<'a, L> {
    #[serde(default, deserialize_with = "lenient::number")]
    index: Option<u64>,
    /// New part of the answer.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    delta: Option<Message<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    finish_reason: Option<Text<'a>>,
    #[serde(default = "Option::default")]
    logprobs: Option<L>,
    /// `OpenRouter`'s field with the error of the provider behind it.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Decoder for ChunkDecoder {
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError> {
        if event.data == "[DONE]" {
            return self.complete().map(|answer| Step::Complete(Box::new(answer)));
        }
        match serde_json::from_str::<Answer<'_, Choice<'_, Logprobs>>>(event.data) {
            Ok(chunk) => self.add(chunk, event),
            // Log probabilities of another shape are left out.
            Err(error) => match serde_json::from_str::<Answer<'_, Choice<'_, Unread>>>(event.data) {
                Ok(chunk) => self.add(chunk, event),
                Err(_) => Err(ModelError::Malformed { message: format!("a chunk cannot be read: {error}") }),
            },
        }
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        let finish = self.finish.ok_or(ModelError::TruncatedStream)?;
        self.draft.complete_without_mark(finish, self.usage)
    }

    fn news(&mut self) -> Delta {
        self.draft.news()
    }

    fn progress(&self) -> Progress {
        self.ending.progress()
    }

    fn usage(&self) -> Metered {
        self.usage
    }
}

impl ChunkDecoder {
    fn add<L: Into<Logprobs>>(
        &mut self,
        chunk: Answer<'_, Choice<'_, L>>,
        event: &SseEvent<'_>,
    ) -> Result<Step, ModelError> {
        let is_counted = chunk.meter(&mut self.usage);
        if chunk.is_error() || event.name == "error" {
            return Err(error::in_band(event.data));
        }
        self.draft.answered_by(chunk.model());
        // Requests ask for one choice, so only the first is read.
        let mut choices = chunk.choices.unwrap_or_default().into_iter();
        let choice = choices.find(|choice| choice.index.unwrap_or(0) == 0);
        let (part, finish) = choice.map(|choice| self.add_choice(choice)).transpose()?.unwrap_or_default();
        self.finish = finish.or(self.finish);
        self.ending.read(part, finish.is_some(), is_counted);
        self.draft.check()?;
        Ok(if part { Step::Token } else { Step::Quiet })
    }

    /// Adds a choice. Returns true if it contains a part of the answer, and its reason to stop.
    fn add_choice<L: Into<Logprobs>>(
        &mut self,
        choice: Choice<'_, L>,
    ) -> Result<(bool, Option<Finish>), ModelError> {
        if let Some(error) = choice.error {
            return Err(error::in_band(error.get()));
        }
        let finish = finish(choice.finish_reason.as_ref())?;
        let logprobs = choice.logprobs.and_then(|logprobs| logprobs.into().content);
        self.draft.logprobs(logprobs.into_iter().flatten());
        let part = choice.delta.as_ref().is_some_and(|delta| delta.add_to(&mut self.draft));
        Ok((part, finish))
    }

    /// Ends the answer at `[DONE]`. Without a reason to stop it is truncated, unless its tokens were counted at its
    /// end: proxies send `[DONE]` also when the connection to the server behind them broke.
    fn complete(&mut self) -> Result<ChatResponse, ModelError> {
        let finish = self.finish.or(self.ending.is_counted().then_some(Finish::Other));
        self.draft.complete(finish.ok_or(ModelError::NoStopReason)?, self.usage)
    }
}
