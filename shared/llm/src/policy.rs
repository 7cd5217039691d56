use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use runmill_proto::api::Settings;
use runmill_quota::{
    Class,
    budget::{Draw, Purses, UsedUp},
};

use crate::ModelError;

/// Time-outs, retries and deadline of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPolicy {
    /// Longest silence before the first token, from the request on. Any bytes end a silence, such as comments, pings
    /// and chunks without text. Of a buffered answer nothing arrives before its end, so that only `total` limits it.
    pub first_token: Duration,
    /// Longest silence after the first token.
    pub idle: Duration,
    /// Longest time of one attempt, from its admission to the end of its answer.
    pub total: Duration,
    /// Maximum number of attempts after the first, including those before this call. Waits for a rate limit or for a
    /// server that starts do not count.
    pub max_retries: u32,
    /// Number of failed attempts before this call, when the same job was fed earlier.
    pub failed_before: u32,
    /// Upper bound of the first backoff. The bound doubles with each attempt.
    pub backoff_base: Duration,
    pub backoff_max: Duration,
    /// Longest wait between two attempts; a longer one defers the call instead.
    pub wait_max: Duration,
    /// Share of a retry that each first attempt adds to the retry budget, in percent.
    pub budget_percent: f64,
    /// Time after which no attempt starts.
    pub deadline: Option<Timestamp>,
}

/// Source of a call's policy. It is read before each attempt, and again when the attempt is admitted, so that a
/// changed setting applies to a call that waits.
pub trait PolicySource: Send + Sync {
    fn policy(&self) -> CallPolicy;

    /// Returns false if the call must not start now, although it waited for its turn. It is asked when the first attempt
    /// is admitted; the call then ends as interrupted.
    fn may_start(&self) -> bool {
        true
    }

    /// Returns the number of tokens that the answer probably has at most, as far as earlier answers tell. `None` if the
    /// request's own limit is the best estimate.
    fn estimated_output(&self) -> Option<u64> {
        None
    }

    /// Returns the class by which the call's attempts are admitted.
    fn class(&self) -> Class {
        Class::Run
    }

    /// Returns the budgets of the call, if it can have some.
    fn budgets(&self) -> Option<&dyn CallBudgets> {
        None
    }
}

/// Budgets of a call. Each attempt reserves its estimate before it asks its lane.
pub trait CallBudgets: Send + Sync {
    fn purses(&self) -> &Arc<Purses>;

    /// Returns the budgets on which an attempt draws now. `tokens` is the estimate of its tokens.
    fn draws(&self, tokens: u64) -> Vec<Draw>;

    /// Returns the error of an attempt for which a budget has nothing left.
    fn used_up(&self, budget: &UsedUp) -> ModelError;
}

/// A source whose policy never changes.
impl PolicySource for CallPolicy {
    fn policy(&self) -> CallPolicy {
        self.clone()
    }
}

/// Converts the settings of a job to the policy of a job that is fed for the first time and has no deadline.
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
