use runmill_pricing::ServiceTier;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::item::Item;
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{
        draft::Draft,
        lenient::{self, Lenient},
        openai::{error, usage::UsageField},
        text::{Text, or_empty},
    },
};

/// The response object: a buffered answer, also contained in the last event of a stream.
#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    status: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    model: Option<Text<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    incomplete_details: Option<Incomplete<'a>>,
    /// Output of the model. It is parsed only if needed, because the events of a stream have already sent it.
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(default)]
    usage: UsageField,
    #[serde(default)]
    service_tier: Lenient<ServiceTier>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    reason: Option<Text<'a>>,
}

impl<'a> Response<'a> {
    pub fn read(json: &'a str) -> Result<Self, ModelError> {
        serde_json::from_str(json).map_err(malformed)
    }

    pub fn usage(&self) -> Metered {
        let mut metered = self.usage.0.as_deref().copied().unwrap_or_default();
        if let Some(service) = self.service_tier.read() {
            metered.billing.terms.service = service;
        }
        metered
    }

    /// Adds the whole output to the answer.
    pub fn add_to(&self, draft: &mut Draft) -> Result<(), ModelError> {
        let Some(output) = self.output else { return Ok(()) };
        let items: Vec<Item<'_>> = serde_json::from_str(output.get()).map_err(malformed)?;
        for (number, item) in (0..).zip(items) {
            item.add_to(number, draft);
        }
        draft.check()
    }

    /// Completes `draft`, unless the response has an error or failed.
    pub fn complete(&self, draft: &mut Draft) -> Result<ChatResponse, ModelError> {
        if let Some(error) = self.error {
            return Err(error::in_band(error.get()));
        }
        let finish = match or_empty(self.status.as_ref()) {
            "completed" => Finish::Stop,
            "incomplete" => self.incomplete(),
            status @ ("failed" | "cancelled") => {
                let message = format!("the response has the status `{status}` and no error");
                return Err(ModelError::ServerError { status: 500, message, after: None });
            }
            status => return Err(malformed(format_args!("its status `{status}` is unknown"))),
        };
        draft.answered_by(or_empty(self.model.as_ref()));
        let mut answer = draft.complete(finish, self.usage())?;
        answer.finish = match finish {
            Finish::Stop if !answer.tool_calls.is_empty() => Finish::ToolCalls,
            // An incomplete answer is truncated, for any reason.
            Finish::Other => Finish::Length,
            finish => finish,
        };
        Ok(answer)
    }

    fn incomplete(&self) -> Finish {
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_ref());
        match or_empty(reason) {
            "max_output_tokens" => Finish::Length,
            "content_filter" => Finish::ContentFilter,
            _ => Finish::Other,
        }
    }
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: format!("the response cannot be read: {what}") }
}
