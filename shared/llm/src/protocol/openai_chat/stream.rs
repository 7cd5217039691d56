use runmill_proto::Usage;
use serde::Deserialize;

use super::{
    answer::{Answer, Message, Text},
    error,
};
use crate::{
    ChatResponse, Finish, ModelError,
    protocol::{Decoder, Step},
    sse::SseEvent,
};

/// What all the tokens of one answer may add up to. More is no answer but a fault, and would fill memory.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Adds up the chunks of one streamed answer.
#[derive(Default)]
pub(super) struct ChunkDecoder {
    text: String,
    reasoning: String,
    refusal: String,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    /// What is new.
    #[serde(borrow, default)]
    delta: Option<Message<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
}

impl Decoder for ChunkDecoder {
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError> {
        if event.data == "[DONE]" {
            return self.complete().map(Step::Complete);
        }
        let chunk: Answer<'_, Choice<'_>> = serde_json::from_str(event.data)
            .map_err(|error| ModelError::Malformed { message: format!("a chunk: {error}") })?;
        if let Some(error) = chunk.error {
            return Err(error::in_band(error.get()));
        }
        if event.name == "error" {
            return Err(error::in_band(event.data));
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(usage.into());
        }
        // We ask for one choice.
        let choices = chunk.choices.unwrap_or_default();
        let token = choices.iter().find(|choice| choice.index == 0).is_some_and(|choice| self.add(choice));
        if self.text.len() + self.reasoning.len() > ANSWER_MAX_BYTES {
            return Err(ModelError::Malformed { message: format!("more than {ANSWER_MAX_BYTES} bytes") });
        }
        Ok(if token { Step::Token } else { Step::Quiet })
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        Err(ModelError::TruncatedStream)
    }

    fn usage(&self) -> Option<Usage> {
        self.usage
    }
}

impl ChunkDecoder {
    /// Whether the choice holds part of the answer.
    fn add(&mut self, choice: &Choice<'_>) -> bool {
        self.finish = choice.finish_reason.as_ref().and_then(Text::finish).or(self.finish);
        let Some(delta) = &choice.delta else { return false };
        let parts = [
            push(&mut self.text, delta.content.as_ref()),
            push(&mut self.reasoning, delta.reasoning()),
            push(&mut self.refusal, delta.refusal.as_ref()),
        ];
        parts.contains(&true)
    }

    /// `[DONE]` without a reason to have stopped is what a proxy sends when its upstream broke.
    fn complete(&mut self) -> Result<ChatResponse, ModelError> {
        let finish = self.finish.ok_or(ModelError::TruncatedStream)?;
        Ok(ChatResponse {
            text: std::mem::take(&mut self.text),
            reasoning: some(&mut self.reasoning),
            refusal: some(&mut self.refusal),
            finish,
            usage: self.usage,
        })
    }
}

fn push(whole: &mut String, part: Option<&Text<'_>>) -> bool {
    let part = part.map_or("", |text| &text.0);
    whole.push_str(part);
    !part.is_empty()
}

fn some(text: &mut String) -> Option<String> {
    Some(std::mem::take(text)).filter(|text| !text.is_empty())
}
