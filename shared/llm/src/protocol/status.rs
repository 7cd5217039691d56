//! Meaning of an error's HTTP status, if its body does not say more. It is the same for every protocol.

use std::time::Duration;

use super::ErrorAnswer;
use crate::ModelError;

/// Status and headers of an error answer, as far as they matter.
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

    /// Returns the head of an error inside of an answer that began with 200. It has the status that belongs to the
    /// error.
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
            // The other statuses include redirects. They are not followed, so that a key is not sent elsewhere.
            _ => ModelError::InvalidRequest { status, message },
        }
    }
}
