use std::time::Duration;

use runmill_proto::ErrorKind;

/// Why a call to a model gave no answer.
///
/// A `message` is the provider's own, shortened and without secrets; `after` is the delay that the
/// provider asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("no connection to the provider: {message}")]
    Connection { message: String },
    #[error("{0}")]
    TimedOut(TimeoutPhase),
    #[error("the provider is over its rate limit: {message}")]
    RateLimited { message: String, after: Option<Duration> },
    #[error("the provider is overloaded: {message}")]
    Overloaded { message: String, after: Option<Duration> },
    #[error("the provider failed with status {status}: {message}")]
    ServerError { status: u16, message: String, after: Option<Duration> },
    /// The provider failed, and says that asking again is useless.
    #[error("the provider failed for good with status {status}: {message}")]
    ServerErrorForGood { status: u16, message: String },
    #[error("the stream ended before the answer was complete")]
    TruncatedStream,
    #[error("the answer is not what the protocol says: {message}")]
    Malformed { message: String },
    /// The provider wants the same question in another form.
    #[error("the provider rejects the form of the request: {message}")]
    Rejected { fix: Fix, message: String },
    #[error("the provider rejects the request with status {status}: {message}")]
    InvalidRequest { status: u16, message: String },
    #[error("the prompt and the answer do not fit the model's context: {message}")]
    ContextLength { message: String },
    #[error("the provider's filter rejects the prompt: {message}")]
    ContentPolicy { message: String },
    #[error("the provider refuses the key: {message}")]
    Authentication { message: String },
    #[error("the account's quota is used up: {message}")]
    QuotaExhausted { message: String, after: Option<Duration> },
    #[error("the deadline passed before a call could start")]
    DeadlinePassed,
    /// Not the provider's doing: see [`Interrupts`](crate::Interrupts).
    #[error("the call was interrupted")]
    Interrupted,
}

/// What an attempt was doing when its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeoutPhase {
    #[error("no connection within its time")]
    Connect,
    #[error("no first token within its time")]
    FirstToken,
    #[error("the answer stopped coming")]
    Idle,
    #[error("no whole answer within its time")]
    Total,
}

/// How a request must change to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// This model does not stream.
    Buffer,
    /// This model only streams.
    Stream,
    /// The server does not know the option that asks for usage in a stream.
    OmitStreamOptions,
    /// The server knows the limit of tokens by its other name.
    OtherTokenLimit,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Ask again after a backoff, and not before `after`. Uses up the attempt budget.
    RetryHere { after: Option<Duration> },
    /// Wait for the rate limit, then ask again. Uses up no attempt.
    SlowDown { after: Option<Duration> },
    /// Ask again at once, in another form.
    FixRequest(Fix),
    /// The same request cannot succeed.
    FailItem,
    /// No request with this key can succeed until someone acts, or `after` has passed.
    StopLane { after: Option<Duration> },
    /// Nothing failed. The call is for another time, or for nobody.
    GiveUp,
}

impl ModelError {
    // No `_` arm: a new variant does not compile until someone decides.
    pub fn advice(&self) -> Advice {
        match *self {
            Self::Connection { .. } | Self::TimedOut(_) | Self::TruncatedStream | Self::Malformed { .. } => {
                Advice::RetryHere { after: None }
            }
            Self::Overloaded { after, .. } | Self::ServerError { after, .. } => Advice::RetryHere { after },
            Self::RateLimited { after, .. } => Advice::SlowDown { after },
            Self::Rejected { fix, .. } => Advice::FixRequest(fix),
            Self::ServerErrorForGood { .. }
            | Self::InvalidRequest { .. }
            | Self::ContextLength { .. }
            | Self::ContentPolicy { .. }
            | Self::DeadlinePassed => Advice::FailItem,
            Self::Authentication { .. } => Advice::StopLane { after: None },
            Self::QuotaExhausted { after, .. } => Advice::StopLane { after },
            Self::Interrupted => Advice::GiveUp,
        }
    }

    /// A metric label: one of few, and never text from outside.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Connection { .. } => ErrorKind::Connection,
            Self::TimedOut(TimeoutPhase::Connect) => ErrorKind::ConnectTimeout,
            Self::TimedOut(TimeoutPhase::FirstToken) => ErrorKind::FirstTokenTimeout,
            Self::TimedOut(TimeoutPhase::Idle) => ErrorKind::IdleTimeout,
            Self::TimedOut(TimeoutPhase::Total) => ErrorKind::TotalTimeout,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Overloaded { .. } => ErrorKind::Overloaded,
            Self::ServerError { .. } | Self::ServerErrorForGood { .. } => ErrorKind::ServerError,
            Self::TruncatedStream => ErrorKind::TruncatedStream,
            Self::Malformed { .. } => ErrorKind::MalformedResponse,
            Self::Rejected { fix: Fix::OtherTokenLimit, .. } | Self::InvalidRequest { .. } => {
                ErrorKind::InvalidRequest
            }
            Self::Rejected { .. } => ErrorKind::StreamRejected,
            Self::ContextLength { .. } => ErrorKind::ContextLength,
            Self::ContentPolicy { .. } => ErrorKind::ContentPolicy,
            Self::Authentication { .. } => ErrorKind::Authentication,
            Self::QuotaExhausted { .. } => ErrorKind::QuotaExhausted,
            Self::DeadlinePassed => ErrorKind::DeadlinePassed,
            Self::Interrupted => ErrorKind::Interrupted,
        }
    }

    /// The same error with its text, if it has one of its own, made by `edit` of the old.
    pub(crate) fn map_message(mut self, edit: impl FnOnce(&str) -> String) -> Self {
        match &mut self {
            Self::Connection { message }
            | Self::RateLimited { message, .. }
            | Self::Overloaded { message, .. }
            | Self::ServerError { message, .. }
            | Self::ServerErrorForGood { message, .. }
            | Self::Malformed { message }
            | Self::Rejected { message, .. }
            | Self::InvalidRequest { message, .. }
            | Self::ContextLength { message }
            | Self::ContentPolicy { message }
            | Self::Authentication { message }
            | Self::QuotaExhausted { message, .. } => *message = edit(message),
            Self::TimedOut(_) | Self::TruncatedStream | Self::DeadlinePassed | Self::Interrupted => {}
        }
        self
    }
}
