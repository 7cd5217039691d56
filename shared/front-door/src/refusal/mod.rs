mod failure;

use std::time::Duration;

use serde_json::{Value, json};

use crate::Dialect;

const CONTEXT_LENGTH: &str = "context_length_exceeded";
const QUOTA: &str = "insufficient_quota";

/// An error as the answer to a client: its HTTP status, its words, and what the client may do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// HTTP status, from 400 to 599.
    pub status: u16,
    pub message: String,
    /// Place of the fault in the request's body, such as `messages[0].content`.
    pub param: Option<String>,
    /// Name of the error that programs read, such as `context_length_exceeded`.
    pub code: Option<String>,
    /// Value of the header `retry-after`, from 1 to 60 seconds.
    pub retry_after: Option<Duration>,
    /// Value of the header `x-should-retry`. `None` leaves the decision to the client.
    pub should_retry: Option<bool>,
}

impl Refusal {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message, param: None, code: None, retry_after: None, should_retry: None }
    }

    /// Returns the refusal of a request whose body has a fault at `param`.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(400, message) }
    }

    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// Sets `retry-after`, in the range that every client honours.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let wait = wait.clamp(Duration::from_secs(1), Duration::from_mins(1));
        Self { retry_after: Some(wait), ..self }
    }

    /// Tells clients that another try is useless.
    #[must_use]
    pub fn final_answer(self) -> Self {
        Self { should_retry: Some(false), ..self }
    }

    /// Returns the body, in the protocol's shape.
    pub fn body(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::OpenAi => json!({ "error": self.openai() }),
            Dialect::Anthropic => json!({ "type": "error", "error": self.anthropic(), "request_id": null }),
        }
    }

    pub(crate) fn openai(&self) -> Value {
        json!({
            "message": self.message,
            "type": self.openai_type(),
            "param": self.param,
            "code": self.code,
        })
    }

    pub(crate) fn anthropic(&self) -> Value {
        // Anthropic's clients know this error by these words alone.
        let is_too_long = self.code.as_deref() == Some(CONTEXT_LENGTH);
        let message =
            if is_too_long { format!("prompt is too long: {}", self.message) } else { self.message.clone() };
        json!({ "type": self.anthropic_type(), "message": message })
    }

    fn openai_type(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            403 => "permission_error",
            429 if self.code.as_deref() == Some(QUOTA) => QUOTA,
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        }
    }

    fn anthropic_type(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            503 => "overloaded_error",
            504 => "timeout_error",
            _ => "api_error",
        }
    }
}

#[cfg(test)]
mod tests;
