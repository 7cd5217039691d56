use serde::Deserialize;

use super::answer::{Answer, Logprobs, Message, finish};
use crate::{
    ChatResponse, ModelError,
    protocol::{draft::Draft, openai::error, text::Text},
};

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
}

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, ModelError> {
    let malformed = |message: String| ModelError::Malformed { message };
    let answer: Answer<'_, Choice<'_>> =
        serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    if let Some(error) = answer.error {
        return Err(error::in_band(error.get()));
    }
    let usage = answer.usage();
    let choice = answer.choices.unwrap_or_default().into_iter().next();
    let choice = choice.ok_or_else(|| malformed("it has no choices".to_owned()))?;
    let finish = finish(choice.finish_reason.as_ref())?;
    let finish = finish.ok_or_else(|| malformed("it has no finish_reason".to_owned()))?;
    let message = choice.message.ok_or_else(|| malformed("it has no message".to_owned()))?;
    let mut draft = Draft::default();
    message.add_to(&mut draft);
    draft.logprobs(choice.logprobs.and_then(|logprobs| logprobs.content).into_iter().flatten());
    draft.check()?;
    Ok(draft.complete(finish, usage))
}
