use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::{
    InvocationId, ProviderId, Usage,
    message::{Attempt, Call},
    usd,
};

use crate::{ChatResponse, ModelError};

/// Result and record of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoked {
    /// Every request that was made, in order.
    pub attempts: Vec<Attempt>,
    /// Sum over all attempts, as far as the provider counted.
    pub usage: Option<Usage>,
    /// Start of the first attempt; of a call without attempts, its end.
    pub started_at: Timestamp,
    /// Time from the start of the first attempt to the end, waits between attempts included.
    pub latency: Duration,
    /// Time to the first token of the attempt that succeeded; `None` if its answer was buffered.
    pub ttft: Option<Duration>,
    /// Number of failed attempts, those before this call included. Rate-limited attempts do not count.
    pub failures: u32,
    /// The answer was a stream.
    pub streamed: bool,
    pub result: Result<ChatResponse, Unanswered>,
}

/// Why a call ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The item has failed.
    #[error("{0}")]
    Failed(ModelError),
    /// The job should be fed again after this time: the wait is too long for a job that holds a slot.
    #[error("deferred for {after:?}: {error}")]
    Deferred { after: Duration, error: ModelError },
    /// Every call of this lane would end like this, until `after` has passed or somebody repairs the cause.
    #[error("{error}")]
    LaneStopped { after: Duration, error: ModelError },
    /// The caller ended it: see [`Interrupts`](crate::Interrupts). Without attempts, no request was made.
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
    /// Returns the cost of all attempts, failed ones included, in billionths of a US dollar; `None` if no price or no
    /// usage is known.
    pub fn cost_nanousd(&self) -> Option<i64> {
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
        }
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
