use serde::{Deserialize, Serialize};

use crate::text_enum::text_enum;

text_enum! {
    /// Status of a run. Being paused, resumed, retried or asked to cancel is not a status: see `paused_at`,
    /// `pause_reason`, `resumed_count`, `retry_count` and `cancel_requested_at`.
    RunStatus {
        /// Submitted; no job was put into the queue yet.
        Pending = "pending",
        Running = "running",
        /// Every job has its result.
        Completed = "completed",
        /// Ended by an error that no retry can correct.
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
    /// Origin of the calls of a run.
    RunKind {
        /// The items of a dataset are answered and scored.
        Evaluation = "evaluation",
        /// Clients of the front door call one model of a provider with one token, on one day (UTC). It has no items.
        Interactive = "interactive",
        /// A client's batch: the items of its dataset are requests of clients.
        Batch = "batch",
        /// LightEval asks its own questions and scores the answers. Its items are LightEval's samples, and come at its end.
        Lighteval = "lighteval",
        /// A judge judges the answers of another run. It has that run's items.
        Judge = "judge",
    }
}

text_enum! {
    /// Reason why a run was paused without a user's request. A change of its provider may remove the reason.
    PauseCause {
        /// The provider refused calls with every key.
        Refused = "refused",
        /// The provider could not be reached.
        Unreachable = "unreachable",
        /// The first calls all failed alike.
        Failing = "failing",
        /// The run's own budget is used up. No change of its provider removes this reason.
        Budget = "budget",
        /// The provider's budget of the day is used up. The run resumes by itself when the day ends.
        DayBudget = "day_budget",
    }
}

text_enum! {
    /// Outcome of a job.
    Outcome {
        Succeeded = "succeeded",
        /// The model or the provider's filter refused to answer.
        Refused = "refused",
        /// The answer ended at the token limit.
        Truncated = "truncated",
        /// There is no answer; the error kind says why.
        Failed = "failed",
        Canceled = "canceled",
        BudgetStopped = "budget_stopped",
    }
}

impl ErrorKind {
    /// Returns true if a failure of this kind says nothing about the calls that follow: it is the item's or our own.
    pub const fn is_of_one_job(self) -> bool {
        matches!(
            self,
            Self::BadItem
                | Self::Interrupted
                | Self::DeadlinePassed
                | Self::Poisoned
                | Self::Quarantined
                | Self::AnswerTooLarge
                | Self::NoAnswer
        )
    }
}

impl Outcome {
    /// Returns true if the job has an answer. Only an answer can have a score.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Succeeded | Self::Refused | Self::Truncated)
    }
}

text_enum! {
    /// Reason why a call or a job failed. A small closed set, because it is a metric label.
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
        /// The stream ended before its answer was whole.
        TruncatedStream = "truncated_stream",
        /// The answer does not follow the protocol.
        MalformedResponse = "malformed_response",
        /// The model stopped without a text, a refusal or a tool call.
        EmptyAnswer = "empty_answer",
        /// The provider requires a form of request that runmill cannot send.
        StreamRejected = "stream_rejected",
        InvalidRequest = "invalid_request",
        ContextLength = "context_length",
        ContentPolicy = "content_policy",
        Authentication = "authentication",
        QuotaExhausted = "quota_exhausted",
        /// A budget of the run or of the provider's day is used up.
        BudgetUsedUp = "budget_used_up",
        /// No request can be made from the item and the prompt template.
        BadItem = "bad_item",
        /// The executor was told to stop while the call was in flight.
        Interrupted = "interrupted",
        /// The deadline of the run passed.
        DeadlinePassed = "deadline_passed",
        /// An executor failed over the item. Its log says why.
        Poisoned = "poisoned",
        /// Several executors died while they held the job, so it is not tried again.
        Quarantined = "quarantined",
        /// The answer is larger than the largest message that the broker takes.
        AnswerTooLarge = "answer_too_large",
        /// The item has no answer that could be judged.
        NoAnswer = "no_answer",
        /// The provider was deleted, or its key cannot be decrypted.
        ProviderUnavailable = "provider_unavailable",
    }
}

const fn first_version() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_first(version: &u32) -> bool {
    *version == first_version()
}

/// Score of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Score {
    pub scorer: String,
    /// Version of the scorer: one that judges any answer differently than before has a new one. Absent means 1.
    #[serde(default = "first_version", skip_serializing_if = "is_first")]
    pub version: u32,
    /// Value from 0 to 1. Null if the scorer could not read the answer (*unscored*).
    pub value: Option<f64>,
    /// Part of the text that the scorer took as the answer.
    #[serde(default)]
    pub extracted: Option<String>,
    /// Reason why the answer is unscored, or the basis of the value.
    #[serde(default)]
    pub detail: Option<String>,
}
