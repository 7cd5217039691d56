//! The meaning of an error's HTTP status, where its body does not tell more. It is the same for every protocol.

use std::time::Duration;

use super::ErrorAnswer;
use crate::ModelError;

/// The part of an error answer that is not its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorHead {
    pub status: u16,
    pub after: Option<Duration>,
    pub should_retry: Option<bool>,
}

impl ErrorHead {
    pub const fn of(answer: &ErrorAnswer<'_>) -> Self {
        Self { status: answer.status, after: answer.after, should_retry: answer.should_retry }
    }

    /// The head of an error inside of an answer that began with 200, with the status that corresponds to the error.
    pub const fn in_band(status: u16) -> Self {
        Self { status, after: None, should_retry: None }
    }

    pub fn error(self, message: String) -> ModelError {
        let Self { status, after, should_retry } = self;
        match (status, should_retry) {
            (402, _) => ModelError::QuotaExhausted { message, after },
            (401 | 403, _) => ModelError::Authentication { message },
            (408 | 409 | 429 | 500.., Some(false)) => ModelError::ServerErrorForGood { status, message },
            (429, _) => ModelError::RateLimited { message, after },
            (503 | 529, _) => ModelError::Overloaded { message, after },
            (408 | 409 | 500.., _) | (_, Some(true)) => ModelError::ServerError { status, message, after },
            // This includes redirects, which are not followed, so that a key is not sent elsewhere.
            _ => ModelError::InvalidRequest { status, message },
        }
    }
}
