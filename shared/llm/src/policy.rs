use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::api::Settings;

/// Time-outs, retries and deadline of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPolicy {
    /// Longest time from the request to the first token. A buffered answer shows nothing before its end, so that it has
    /// `total` instead.
    pub first_token: Duration,
    /// Longest silence after the first token. A ping breaks it: vendors send pings to show that they are alive.
    pub idle: Duration,
    /// Longest time of one attempt, from its admission to the end of its answer.
    pub total: Duration,
    /// Attempts after the first, those before this call included; waiting for a rate limit does not count.
    pub max_retries: u32,
    /// Attempts that failed before this call, when the same job was fed before.
    pub failed_before: u32,
    /// The backoff's first ceiling; it doubles with each attempt.
    pub backoff_base: Duration,
    pub backoff_max: Duration,
    /// Longest wait between two attempts; a longer one defers the call instead.
    pub wait_max: Duration,
    /// Share of a retry that each first attempt earns, in percent.
    pub budget_percent: f64,
    /// No attempt starts after this moment.
    pub deadline: Option<Timestamp>,
}

/// The source of a call's policy. It is asked before each attempt, and again when the attempt is admitted, so that a
/// changed setting holds for a call that waits.
pub trait PolicySource: Send + Sync {
    fn policy(&self) -> CallPolicy;
}

/// A source whose policy never changes.
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
