use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Block, StopDetails, WireUsage, complete, finish},
    error,
};
use crate::{
    ChatResponse, ModelError,
    protocol::{draft::Draft, text::Text},
};

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<Vec<Block<'a>>>,
    #[serde(borrow, default)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    stop_details: Option<StopDetails<'a>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    /// Some servers send an error where an answer should be, with a status of 200.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, ModelError> {
    let malformed = |message: String| ModelError::Malformed { message };
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let message: Message<'_> = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    if message.error.is_some() {
        return Err(error::in_band(text));
    }
    let content = message.content.ok_or_else(|| malformed("it has no content".to_owned()))?;
    let reason = message.stop_reason.ok_or_else(|| malformed("it has no stop_reason".to_owned()))?;
    let mut draft = Draft::default();
    for (number, block) in (0..).zip(&content) {
        block.add_to(&mut draft, number);
    }
    if let Some(details) = message.stop_details {
        details.add_to(&mut draft);
    }
    draft.check()?;
    Ok(complete(&mut draft, finish(&reason.0), message.usage))
}
