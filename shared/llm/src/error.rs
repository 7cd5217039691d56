use std::time::Duration;

use runmill_proto::ErrorKind;

use crate::protocol::Form;

/// Reason why a call to a model gave no answer.
///
/// `message` is the provider's own text, shortened and without secrets. `after` is the delay that the provider asked
/// for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No connection could be opened, so that no request was sent.
    #[error("the provider cannot be reached: {message}")]
    Unreachable { message: String },
    /// The provider's name leads only to addresses that may not be called, so no request was sent.
    #[error("the provider must not be called: {message}")]
    AddressRefused { message: String },
    #[error("the connection to the provider failed: {message}")]
    Connection { message: String },
    /// The server closed the connection as soon as it was used again. It may not have read the request.
    #[error("the provider closed the connection before it answered: {message}")]
    ClosedEarly { message: String },
    /// The server runs, and is not ready yet.
    #[error("the server is starting: {message}")]
    Starting { message: String },
    #[error("{0}")]
    TimedOut(TimeoutPhase),
    #[error("the provider's rate limit is reached: {message}")]
    RateLimited { message: String, after: Option<Duration> },
    #[error("the provider is overloaded: {message}")]
    Overloaded { message: String, after: Option<Duration> },
    #[error("the provider failed with status {status}: {message}")]
    ServerError { status: u16, message: String, after: Option<Duration> },
    /// The provider failed, and states that a retry is useless.
    #[error("the provider failed with status {status} and asks for no retry: {message}")]
    ServerErrorForGood { status: u16, message: String },
    #[error("the stream ended before the answer was complete")]
    TruncatedStream,
    /// The stream has its end mark, and neither a stop reason nor counts before it.
    #[error(
        "the server ended the stream without a stop reason: if it ends an answer when another call begins, lower \
         rate_limit.concurrency (--concurrency)"
    )]
    NoStopReason,
    /// The server may say more in a buffered answer.
    #[error("the stream ended without a single event")]
    EmptyStream,
    /// The model stopped without a text, a refusal or a tool call. `reasoned` is true if the answer has reasoning.
    #[error("the model stopped without an answer{}", if *.reasoned { ", after it had reasoned" } else { "" })]
    EmptyAnswer { reasoned: bool },
    #[error("the answer does not follow the protocol: {message}")]
    Malformed { message: String },
    /// The provider may accept the same request in another form, `form`.
    #[error("the provider rejects the request in every form that was tried: {message}")]
    Rejected { form: Form, message: String },
    #[error("the request is rejected with status {status}: {message}")]
    InvalidRequest { status: u16, message: String },
    /// The protocol cannot express the request, so none was sent. The message is runmill's own.
    #[error("{message}")]
    Inexpressible { message: String },
    #[error("the prompt and the answer do not fit the model's context window: {message}")]
    ContextLength { message: String },
    #[error("the provider's content filter rejects the prompt: {message}")]
    ContentPolicy { message: String },
    #[error("the provider refuses the key: {message}")]
    Authentication { message: String },
    #[error("the account's quota is used up: {message}")]
    QuotaExhausted { message: String, after: Option<Duration> },
    /// Nothing is left of a budget. `after` is the time until the day of a provider's budget ends; `None` for a run's.
    #[error("{message}")]
    BudgetUsedUp { message: String, after: Option<Duration> },
    #[error("the deadline passed before a call could start")]
    DeadlinePassed,
    /// The caller ended the call: see [`Interrupts`](crate::Interrupts).
    #[error("the call was interrupted")]
    Interrupted,
}

/// Time limit that an attempt has exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeoutPhase {
    #[error("no connection within request.connect_timeout_seconds")]
    Connect,
    #[error(
        "the server took the request and did not begin to answer within request.first_token_timeout_seconds: it may \
         queue calls; lower rate_limit.concurrency (--concurrency)"
    )]
    Head,
    #[error("no first token, and no other sign of life, within request.first_token_timeout_seconds")]
    FirstToken,
    #[error("the answer stopped for longer than request.idle_timeout_seconds")]
    Idle,
    #[error("no complete answer within request.total_timeout_seconds")]
    Total,
}

/// Next step after an error of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Retry after a backoff, and not before `after`. Uses up one of the call's retries.
    RetryHere { after: Option<Duration> },
    /// Retry as with [`Self::RetryHere`], but only once, because the same request probably has the same result.
    RetryOnce,
    /// Repeat the request at once on another connection. Uses up no retry the first times.
    Reconnect,
    /// Wait for a server that starts or restarts. Uses up no retry.
    AwaitServer,
    /// Wait for the rate limit, then retry. Uses up no retry.
    SlowDown { after: Option<Duration> },
    /// Repeat the request at once, in this form.
    FixRequest(Form),
    /// Fail the item, because the same request cannot succeed.
    FailItem,
    /// Stop using this key: no request with it can succeed until somebody repairs it, or `after` has passed.
    StopLane { after: Option<Duration> },
    /// Make no more attempts. Nothing failed: the job is left for later or for another executor, or is no longer
    /// needed.
    GiveUp,
}

impl ModelError {
    // There is no `_` arm, so that a new variant does not compile without advice.
    pub fn advice(&self) -> Advice {
        match *self {
            Self::Unreachable { .. }
            | Self::AddressRefused { .. }
            | Self::Starting { .. }
            | Self::TimedOut(TimeoutPhase::Connect) => Advice::AwaitServer,
            Self::ClosedEarly { .. } => Advice::Reconnect,
            Self::Connection { .. }
            | Self::TimedOut(_)
            | Self::TruncatedStream
            | Self::NoStopReason
            | Self::EmptyStream => Advice::RetryHere { after: None },
            Self::Malformed { .. } | Self::EmptyAnswer { .. } => Advice::RetryOnce,
            Self::Overloaded { after, .. } | Self::ServerError { after, .. } => Advice::RetryHere { after },
            Self::RateLimited { after, .. } => Advice::SlowDown { after },
            Self::Rejected { form, .. } => Advice::FixRequest(form),
            Self::ServerErrorForGood { .. }
            | Self::InvalidRequest { .. }
            | Self::Inexpressible { .. }
            | Self::ContextLength { .. }
            | Self::ContentPolicy { .. }
            | Self::DeadlinePassed => Advice::FailItem,
            Self::Authentication { .. } => Advice::StopLane { after: None },
            Self::QuotaExhausted { after, .. } | Self::BudgetUsedUp { after, .. } => {
                Advice::StopLane { after }
            }
            Self::Interrupted => Advice::GiveUp,
        }
    }

    /// Returns true if no request was sent, because there was no connection.
    pub const fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::AddressRefused { .. } | Self::TimedOut(TimeoutPhase::Connect)
        )
    }

    /// Returns the error's kind. It is a metric label, so it is from a small closed set.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. }
            | Self::AddressRefused { .. }
            | Self::Connection { .. }
            | Self::ClosedEarly { .. } => ErrorKind::Connection,
            Self::TimedOut(TimeoutPhase::Connect) => ErrorKind::ConnectTimeout,
            Self::TimedOut(TimeoutPhase::Head | TimeoutPhase::FirstToken) => ErrorKind::FirstTokenTimeout,
            Self::TimedOut(TimeoutPhase::Idle) => ErrorKind::IdleTimeout,
            Self::TimedOut(TimeoutPhase::Total) => ErrorKind::TotalTimeout,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Overloaded { .. } | Self::Starting { .. } => ErrorKind::Overloaded,
            Self::ServerError { .. } | Self::ServerErrorForGood { .. } => ErrorKind::ServerError,
            Self::TruncatedStream | Self::NoStopReason | Self::EmptyStream => ErrorKind::TruncatedStream,
            Self::Malformed { .. } => ErrorKind::MalformedResponse,
            Self::EmptyAnswer { .. } => ErrorKind::EmptyAnswer,
            Self::Rejected { form, .. } if form.changes_stream() => ErrorKind::StreamRejected,
            Self::Rejected { .. } | Self::InvalidRequest { .. } | Self::Inexpressible { .. } => {
                ErrorKind::InvalidRequest
            }
            Self::ContextLength { .. } => ErrorKind::ContextLength,
            Self::ContentPolicy { .. } => ErrorKind::ContentPolicy,
            Self::Authentication { .. } => ErrorKind::Authentication,
            Self::QuotaExhausted { .. } => ErrorKind::QuotaExhausted,
            Self::BudgetUsedUp { .. } => ErrorKind::BudgetUsedUp,
            Self::DeadlinePassed => ErrorKind::DeadlinePassed,
            Self::Interrupted => ErrorKind::Interrupted,
        }
    }

    /// Replaces the provider's words, which may repeat the prompt or the answer. Messages of runmill and of the connection
    /// stay.
    pub(crate) fn without_words(self) -> Self {
        match self {
            Self::Unreachable { .. }
            | Self::AddressRefused { .. }
            | Self::Connection { .. }
            | Self::ClosedEarly { .. }
            | Self::Inexpressible { .. }
            | Self::BudgetUsedUp { .. } => self,
            other => other.map_message(|_| "the provider's words are not kept (`config.texts`)".to_owned()),
        }
    }

    /// Replaces the provider's message, if the error has one, by the result of `edit`.
    pub(crate) fn map_message(mut self, edit: impl FnOnce(&str) -> String) -> Self {
        match &mut self {
            Self::Unreachable { message }
            | Self::AddressRefused { message }
            | Self::Connection { message }
            | Self::ClosedEarly { message }
            | Self::Starting { message }
            | Self::RateLimited { message, .. }
            | Self::Overloaded { message, .. }
            | Self::ServerError { message, .. }
            | Self::ServerErrorForGood { message, .. }
            | Self::Malformed { message }
            | Self::Rejected { message, .. }
            | Self::InvalidRequest { message, .. }
            | Self::Inexpressible { message }
            | Self::ContextLength { message }
            | Self::ContentPolicy { message }
            | Self::Authentication { message }
            | Self::QuotaExhausted { message, .. }
            | Self::BudgetUsedUp { message, .. } => *message = edit(message),
            Self::TimedOut(_)
            | Self::TruncatedStream
            | Self::NoStopReason
            | Self::EmptyStream
            | Self::EmptyAnswer { .. }
            | Self::DeadlinePassed
            | Self::Interrupted => {}
        }
        self
    }
}
