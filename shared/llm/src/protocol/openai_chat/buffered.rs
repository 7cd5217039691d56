use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Logprobs, Message, Unread, finish};
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{UnusableAnswer, draft::Draft, lenient, openai::error, text::Text},
};

#[derive(Deserialize)]
#[serde(bound(deserialize = "L: Deserialize<'de>"))]
struct Choice<'a, L> {
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    finish_reason: Option<Text<'a>>,
    #[serde(default = "Option::default")]
    logprobs: Option<L>,
    /// `OpenRouter`'s field with the error of the provider behind it.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads an answer. Log probabilities of another shape are left out.
pub(super) fn read(body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
    match serde_json::from_slice::<Answer<'_, Choice<'_, Logprobs>>>(body) {
        Ok(answer) => whole(answer, body),
        Err(error) => match serde_json::from_slice::<Answer<'_, Choice<'_, Unread>>>(body) {
            Ok(answer) => whole(answer, body),
            Err(_) => Err(malformed(error).into()),
        },
    }
}

fn whole<L: Into<Logprobs>>(
    answer: Answer<'_, Choice<'_, L>>,
    body: &[u8],
) -> Result<ChatResponse, UnusableAnswer> {
    let mut usage = Metered::default();
    answer.meter(&mut usage);
    if answer.is_error() {
        return Err(UnusableAnswer { error: error::in_band(body), usage: usage.into() });
    }
    let mut draft = Draft::default();
    draft.answered_by(answer.model());
    let choice = answer.choices.unwrap_or_default().into_iter().next();
    let choice = choice.ok_or_else(|| malformed("it has no choices"));
    choice
        .and_then(|choice| choice.whole(draft, usage))
        .map_err(|error| UnusableAnswer { error, usage: usage.into() })
}

impl<L: Into<Logprobs>> Choice<'_, L> {
    /// Completes the answer. Without a reason to stop it is whole if its tokens are counted.
    fn whole(self, mut draft: Draft, usage: Metered) -> Result<ChatResponse, ModelError> {
        if let Some(error) = self.error {
            return Err(error::in_band(error.get()));
        }
        let finish = finish(self.finish_reason.as_ref())?.or(usage.usage.map(|_| Finish::Other));
        let finish = finish.ok_or_else(|| malformed("it has no finish_reason"))?;
        let message = self.message.ok_or_else(|| malformed("it has no message"))?;
        message.add_to(&mut draft);
        let logprobs = self.logprobs.and_then(|logprobs| logprobs.into().content);
        draft.logprobs(logprobs.into_iter().flatten());
        draft.check()?;
        draft.complete(finish, usage)
    }
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: what.to_string() }
}
