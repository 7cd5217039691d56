use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Logprobs, Message, finish};
use crate::{
    ChatResponse, Metered, ModelError,
    protocol::{UnusableAnswer, draft::Draft, openai::error, text::Text},
};

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
    /// `OpenRouter`'s field with the error of the provider behind it.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
    let answer: Answer<'_, Choice<'_>> = serde_json::from_slice(body).map_err(malformed)?;
    let mut usage = Metered::default();
    answer.meter(&mut usage);
    if answer.is_error() {
        return Err(UnusableAnswer { error: error::in_band(body), usage: usage.into() });
    }
    let choice = answer.choices.unwrap_or_default().into_iter().next();
    let choice = choice.ok_or_else(|| malformed("it has no choices"));
    choice
        .and_then(|choice| choice.whole(usage))
        .map_err(|error| UnusableAnswer { error, usage: usage.into() })
}

impl Choice<'_> {
    fn whole(self, usage: Metered) -> Result<ChatResponse, ModelError> {
        if let Some(error) = self.error {
            return Err(error::in_band(error.get()));
        }
        let finish = finish(self.finish_reason.as_ref())?;
        let finish = finish.ok_or_else(|| malformed("it has no finish_reason"))?;
        let message = self.message.ok_or_else(|| malformed("it has no message"))?;
        let mut draft = Draft::default();
        message.add_to(&mut draft);
        draft.logprobs(self.logprobs.and_then(|logprobs| logprobs.content).into_iter().flatten());
        draft.check()?;
        draft.complete(finish, usage)
    }
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: what.to_string() }
}
