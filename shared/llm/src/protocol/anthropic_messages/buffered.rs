use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Block, StopDetails, complete, finish},
    error,
    usage::{UsageField, metered},
};
use crate::{
    ChatResponse, Metered, ModelError,
    protocol::{UnusableAnswer, draft::Draft, text::Text},
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
    usage: UsageField,
    /// Some servers send an error in place of an answer, with a status of 200.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
    let text = std::str::from_utf8(body).map_err(malformed)?;
    let message: Message<'_> = serde_json::from_str(text).map_err(malformed)?;
    let usage = metered(message.usage);
    if message.error.is_some() {
        return Err(UnusableAnswer { error: error::in_band(text), usage: usage.into() });
    }
    message.whole(usage).map_err(|error| UnusableAnswer { error, usage: usage.into() })
}

impl Message<'_> {
    fn whole(self, usage: Metered) -> Result<ChatResponse, ModelError> {
        let content = self.content.ok_or_else(|| malformed("it has no content"))?;
        let reason = self.stop_reason.ok_or_else(|| malformed("it has no stop_reason"))?;
        let mut draft = Draft::default();
        for (number, block) in (0..).zip(&content) {
            block.add_to(&mut draft, number);
        }
        if let Some(details) = self.stop_details {
            details.add_to(&mut draft);
        }
        draft.check()?;
        complete(&mut draft, finish(&reason.0), usage)
    }
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: what.to_string() }
}
