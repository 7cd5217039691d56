use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::api::Settings;

/// How patient a call is.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPolicy {
    /// From the request to the first token. Of a buffered answer nothing is seen before its end, so that it
    /// has `total` instead.
    pub first_token: Duration,
    /// The longest silence after the first token. A ping breaks it: the vendors send them to prove that they live.
    pub idle: Duration,
    /// One attempt, from the slot it got to the end of its answer.
    pub total: Duration,
    /// Attempts after the first, those before this call included; waiting for a rate limit does not count.
    pub max_retries: u32,
    /// Attempts that failed before this call, when the same job was fed before.
    pub failed_before: u32,
    /// The backoff's first ceiling; it doubles with each attempt.
    pub backoff_base: Duration,
    pub backoff_max: Duration,
    /// A longer wait than this defers the call instead.
    pub wait_max: Duration,
    /// What each first attempt earns of a retry, in percent.
    pub budget_percent: f64,
    /// No attempt starts after this moment.
    pub deadline: Option<Timestamp>,
}

/// Where a call's policy comes from. Asked before each attempt, and again when it has its slot, so that a changed
/// setting holds for a call that waits.
pub trait PolicySource: Send + Sync {
    fn policy(&self) -> CallPolicy;
}

/// One that never changes.
impl PolicySource for CallPolicy {
    fn policy(&self) -> CallPolicy {
        self.clone()
    }
}

/// The policy of a job's first feeding, without a deadline, by the settings that hold for the job.
impl From<&Settings> for CallPolicy {
    fn from(Settings { request, retry }: &Settings) -> Self {
        Self {
            first_token: request.first_token_timeout(),
            idle: request.idle_timeout(),
            total: request.total_timeout(),
            max_retries: retry.max_retries,
            failed_before: 0,
            backoff_base: retry.backoff_base(),
            backoff_max: retry.backoff_max(),
            wait_max: retry.wait_max(),
            budget_percent: retry.budget_percent,
            deadline: None,
        }
    }
}
