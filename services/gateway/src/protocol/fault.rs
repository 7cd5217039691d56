use crate::{
    behaviour::{Refusal, UnknownModel},
    limit::{Excess, Unit},
    request_body::BodyError,
};

/// Reason why a request gets no answer. Each protocol writes it in its own format. These texts are used by the
/// protocols that have no text of their own.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Body(BodyError),
    #[error("the body is not a request: {0}")]
    Unreadable(String),
    #[error("{message}")]
    Invalid { message: &'static str, param: &'static str },
    #[error("there is no {0} here")]
    NoSuchPath(String),
    #[error("The model `{name}` does not exist: {why}")]
    NoSuchModel { name: String, why: UnknownModel },
    #[error(transparent)]
    Refused(Refusal),
    #[error("Incorrect API key provided.")]
    KeyRevoked,
    #[error("You exceeded your current quota, please check your plan and billing details.")]
    QuotaSpent,
    #[error("The model's name asks for this call to fail with status {status}.")]
    AskedFor { status: u16, retry_after: Option<u32> },
    #[error("{}", limited(model, *excess))]
    RateLimited { model: String, excess: Excess, retry_after: Option<u32> },
    #[error("The server is overloaded. Please try again later.")]
    Overloaded { retry_after: Option<u32> },
}

impl Fault {
    pub fn no_such_model(name: &str, why: UnknownModel) -> Self {
        Self::NoSuchModel { name: name.chars().take(100).collect(), why }
    }

    /// Returns the status that most protocols have for this fault.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unreadable(_) | Self::Invalid { .. } | Self::Refused(_) => 400,
            Self::KeyRevoked => 401,
            Self::NoSuchPath(_) | Self::NoSuchModel { .. } => 404,
            Self::Body(BodyError::Incomplete) => 408,
            Self::Body(BodyError::TooLong { .. }) => 413,
            Self::QuotaSpent | Self::RateLimited { .. } => 429,
            Self::Overloaded { .. } => 503,
            Self::AskedFor { status, .. } => *status,
        }
    }

    /// Returns the seconds after which the client may try again.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::AskedFor { retry_after, .. }
            | Self::RateLimited { retry_after, .. }
            | Self::Overloaded { retry_after } => *retry_after,
            _ => None,
        }
    }
}

/// Returns OpenAI's words.
fn limited(model: &str, Excess { unit, limit, used, requested }: Excess) -> String {
    let name = match unit {
        Unit::CallsInFlight => "concurrent requests",
        Unit::CallsPerSecond => "requests per sec (RPS)",
        Unit::CallsPerMinute => "requests per min (RPM)",
        Unit::TokensPerMinute => "tokens per min (TPM)",
    };
    format!("Rate limit reached for {model} on {name}: Limit {limit}, Used {used}, Requested {requested}.")
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}
