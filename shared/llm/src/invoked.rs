use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::{
    InvocationId, ProviderId, Usage,
    message::{Attempt, Call},
    usd,
};

use crate::{ChatResponse, ModelError};

/// Result of one call, with the record of its attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoked {
    /// All attempts in which a request was made, or tried to be made without a connection, in order.
    pub attempts: Vec<Attempt>,
    /// Sum of the tokens of all attempts, as far as the provider reported them.
    pub usage: Option<Usage>,
    /// Start of the first attempt that reached the provider, or the end of a call without one.
    pub started_at: Timestamp,
    /// Time from the start of that attempt to the end of the call, including the waits between attempts.
    pub latency: Duration,
    /// Time to the first token of the attempt that succeeded; `None` if its answer was buffered.
    pub ttft: Option<Duration>,
    /// Number of failed attempts, including those before this call. Attempts that were rate-limited or did not reach
    /// the provider do not count.
    pub failures: u32,
    /// True if the answer was a stream.
    pub streamed: bool,
    pub result: Result<ChatResponse, Unanswered>,
}

/// Reason why a call ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The item has failed.
    #[error("{0}")]
    Failed(ModelError),
    /// The job should be fed again after this time, because the wait is too long for a job that an executor holds.
    #[error("deferred for {after:?}: {error}")]
    Deferred { after: Duration, error: ModelError },
    /// Every call of this lane would fail like this one until `after` has passed or somebody corrects the cause.
    #[error("{error}")]
    LaneStopped { after: Duration, error: ModelError },
    /// The caller ended the call: see [`Interrupts`](crate::Interrupts). If there are no attempts, no request was
    /// made.
    #[error("the call was interrupted")]
    Interrupted,
}

impl Unanswered {
    pub const fn error(&self) -> &ModelError {
        match self {
            Self::Failed(error) | Self::Deferred { error, .. } | Self::LaneStopped { error, .. } => error,
            Self::Interrupted => &ModelError::Interrupted,
        }
    }
}

impl Invoked {
    /// Returns the number of requests that reached the provider.
    pub fn requests(&self) -> usize {
        self.attempts.iter().filter(|attempt| !attempt.unsent).count()
    }

    /// Returns the cost of all attempts, failed ones included, in billionths of a US dollar. At least this much was
    /// charged: attempts that were cut may have used more than the provider had counted by then. Returns `None` if no price
    /// or no usage is known, or if a part of an attempt's usage has no price.
    pub fn cost_nanousd(&self) -> Option<i64> {
        if self.attempts.iter().any(|attempt| attempt.cost_unknown.is_some()) {
            return None;
        }
        let costs = self.attempts.iter().filter_map(|attempt| attempt.cost_nanousd);
        costs.reduce(i64::saturating_add)
    }

    /// Returns the cost in US dollars.
    pub fn cost_usd(&self) -> Option<f64> {
        self.cost_nanousd().map(usd)
    }

    /// Returns the call as it is stored in records.
    pub fn call(&self, id: InvocationId, provider_id: ProviderId, model: &str) -> Call {
        Call {
            id,
            provider_id,
            model: model.to_owned(),
            attempts: self.attempts.clone(),
            usage: self.usage,
            started_at: self.started_at,
            latency_ms: milliseconds(self.latency),
            ttft_ms: self.ttft.map(milliseconds),
            streamed: self.streamed,
            cost_nanousd: self.cost_nanousd(),
            remarks: self.result.as_ref().map(|answer| answer.remarks.clone()).unwrap_or_default(),
        }
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
