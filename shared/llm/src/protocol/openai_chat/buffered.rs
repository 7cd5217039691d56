use serde::Deserialize;

use super::{
    answer::{Answer, Message, Text},
    error,
};
use crate::{ChatResponse, ModelError};

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
}

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, ModelError> {
    let malformed = |message: String| ModelError::Malformed { message };
    let answer: Answer<'_, Choice<'_>> =
        serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    if let Some(error) = answer.error {
        return Err(error::in_band(error.get()));
    }
    let choice = answer.choices.unwrap_or_default().into_iter().next();
    let choice = choice.ok_or_else(|| malformed("it has no choices".to_owned()))?;
    let finish = choice.finish_reason.as_ref().and_then(Text::finish);
    let finish = finish.ok_or_else(|| malformed("it has no finish_reason".to_owned()))?;
    let message = choice.message.ok_or_else(|| malformed("it has no message".to_owned()))?;
    let reasoning = message.reasoning_content.or(message.reasoning);
    Ok(ChatResponse {
        text: message.content.map(owned).unwrap_or_default(),
        reasoning: reasoning.map(owned).filter(|text| !text.is_empty()),
        refusal: message.refusal.map(owned).filter(|text| !text.is_empty()),
        finish,
        usage: answer.usage.map(Into::into),
    })
}

fn owned(text: Text<'_>) -> String {
    text.0.into_owned()
}
