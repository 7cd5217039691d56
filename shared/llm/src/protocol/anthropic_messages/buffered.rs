use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Block, StopDetails, finish},
    error,
    usage::{UsageField, metered},
};
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{
        UnusableAnswer,
        draft::Draft,
        lenient,
        text::{Text, or_empty},
    },
};

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<Vec<Block<'a>>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::object")]
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
        // Without a reason to stop, the answer is whole if its tokens are counted.
        let finish = finish(self.stop_reason.as_ref()).or(usage.usage.map(|_| Finish::Other));
        let finish = finish.ok_or_else(|| malformed("it has no stop_reason"))?;
        let mut draft = Draft::default();
        for (number, block) in (0..).zip(&content) {
            block.add_to(&mut draft, number);
        }
        if let Some(details) = self.stop_details {
            details.add_to(&mut draft);
        }
        draft.fill_arguments();
        draft.check()?;
        draft.answered_by(or_empty(self.model.as_ref()));
        draft.complete(finish, usage)
    }
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: what.to_string() }
}
