use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::{
    InvocationId, ProviderId, Usage,
    message::{Attempt, Call},
    usd,
};

use crate::{ChatResponse, ModelError};

/// All there is to know of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoked {
    /// Every request that was made, in order.
    pub attempts: Vec<Attempt>,
    /// Over all attempts, where the provider said.
    pub usage: Option<Usage>,
    /// When the first attempt began; of a call without attempts, when it ended.
    pub started_at: Timestamp,
    /// From the first attempt to the end, waits between attempts included.
    pub latency: Duration,
    /// Time to the first token of the attempt that was answered; `None` if the answer came in one piece.
    pub ttft: Option<Duration>,
    /// Attempts that have failed, those before this call included; waits for a rate limit do not count.
    pub failures: u32,
    /// The answer came as a stream.
    pub streamed: bool,
    pub result: Result<ChatResponse, Unanswered>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// For good: the item has failed.
    #[error("{0}")]
    Failed(ModelError),
    /// Not now. The wait is too long for a task that holds resources.
    #[error("deferred for {after:?}: {error}")]
    Deferred { after: Duration, error: ModelError },
    /// Every call of this lane would end like this, for as long as `after` unless someone mends it before.
    #[error("{error}")]
    LaneStopped { after: Duration, error: ModelError },
    /// By [`Interrupts`](crate::Interrupts). Without attempts, no request was made.
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
    /// Over all attempts, failed ones included, in billionths of a US dollar; `None` where no price is known, or no
    /// usage.
    pub fn cost_nanousd(&self) -> Option<i64> {
        let costs = self.attempts.iter().filter_map(|attempt| attempt.cost_nanousd);
        costs.reduce(i64::saturating_add)
    }

    /// The same in US dollars.
    pub fn cost_usd(&self) -> Option<f64> {
        self.cost_nanousd().map(usd)
    }

    /// As it is recorded.
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
