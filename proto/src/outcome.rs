use serde::{Deserialize, Serialize};

use crate::text_enum::text_enum;

text_enum! {
    /// State of a run. Pausing, resuming, retrying and cancelling are metadata on the run.
    RunStatus {
        /// Submitted, and nothing was fed yet.
        Pending = "pending",
        Running = "running",
        /// Every job has its result.
        Completed = "completed",
        /// An error ended it that no retry can mend.
        Failed = "failed",
        Canceled = "canceled",
    }
}

impl RunStatus {
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

text_enum! {
    /// Outcome of a job.
    Outcome {
        Succeeded = "succeeded",
        /// The model declined, or the provider's filter did.
        Refused = "refused",
        /// The answer was cut at the length limit.
        Truncated = "truncated",
        /// There is no answer; the error kind says why.
        Failed = "failed",
        Canceled = "canceled",
        BudgetStopped = "budget_stopped",
    }
}

impl Outcome {
    /// Returns true for an answer. A failure never has a score.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Succeeded | Self::Refused | Self::Truncated)
    }
}

text_enum! {
    /// Why a call or a job failed. A small closed set: it is a metric label.
    ErrorKind {
        /// There was no connection, or it broke before an answer began.
        Connection = "connection",
        ConnectTimeout = "connect_timeout",
        FirstTokenTimeout = "first_token_timeout",
        IdleTimeout = "idle_timeout",
        TotalTimeout = "total_timeout",
        RateLimited = "rate_limited",
        Overloaded = "overloaded",
        ServerError = "server_error",
        /// The stream ended without its terminator.
        TruncatedStream = "truncated_stream",
        /// The answer does not follow the protocol.
        MalformedResponse = "malformed_response",
        /// The provider wants the request in a form that runmill cannot give it.
        StreamRejected = "stream_rejected",
        InvalidRequest = "invalid_request",
        ContextLength = "context_length",
        ContentPolicy = "content_policy",
        Authentication = "authentication",
        QuotaExhausted = "quota_exhausted",
        /// The item or its prompt template cannot be made into a request.
        BadItem = "bad_item",
        /// The executor was told to stop while the call was in flight.
        Interrupted = "interrupted",
        /// The run's own deadline passed.
        DeadlinePassed = "deadline_passed",
        /// The job was delivered again and again without an end: perhaps it kills its executors.
        Poisoned = "poisoned",
        /// The provider was deleted, or its key cannot be opened.
        ProviderUnavailable = "provider_unavailable",
    }
}

/// The score of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Score {
    pub scorer: String,
    /// `0.0..=1.0`, or `None` if the scorer could not read the answer (*unscored*).
    pub value: Option<f64>,
    /// The part of the text that the scorer took as the answer.
    #[serde(default)]
    pub extracted: Option<String>,
    /// Reason why the answer is unscored, or the basis of the value.
    #[serde(default)]
    pub detail: Option<String>,
}
