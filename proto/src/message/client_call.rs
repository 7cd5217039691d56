use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ErrorKind, JobConfig, ProviderId, RunId, TokenId,
    chat::{Conversation, Delta, ModelAnswer},
};

/// `call.v1`, from the dispatcher to an executor: a client of the front door waits for an answer. The executor answers
/// with [`CallEvent`]s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientCall {
    pub id: Uuid,
    /// Run to which the call is charged: that of the day's interactive calls, or the one that the client named.
    pub run_id: RunId,
    /// Token of the client. `None` for one that the server was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<TokenId>,
    pub provider_id: ProviderId,
    /// Name of the model at the provider.
    pub model: String,
    pub conversation: Conversation,
    /// Settings that take precedence over the provider's: time-outs, retries, and which texts are stored.
    #[serde(default)]
    pub config: JobConfig,
    /// True if the client reads the answer as it arrives.
    #[serde(default)]
    pub streams: bool,
    /// Parameters of the client's request that were taken and have no effect, for the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Time after which no attempt starts, because the client no longer waits.
    pub deadline: Timestamp,
}

impl ClientCall {
    /// Time after which the broker drops a call that nobody has taken. Every deadline is earlier.
    pub const EXPIRES_AFTER: Duration = Duration::from_hours(1);
}

/// `call_event.v1`, from an executor to the dispatcher that sent a [`ClientCall`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    pub call_id: Uuid,
    /// Executor that makes the call, with a mark of its own for each time that it takes the call in hand. After the death of
    /// one, another begins anew.
    pub executor: String,
    /// Number of the event among those of this executor, from 0. A gap means that an event was lost. One may arrive twice.
    pub seq: u32,
    pub what: CallProgress,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallProgress {
    /// An executor has the call in hand. It comes again now and then until the answer begins.
    Taken,
    /// Parts of the answer of a call that streams.
    Delta(Delta),
    /// The whole answer. It is the last event.
    Answered(Box<ModelAnswer>),
    /// There is no answer. It is the last event.
    Failed(CallFailure),
}

/// Reason why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFailure {
    pub kind: ErrorKind,
    /// Words of the provider, or ours, without secrets.
    pub message: String,
    /// HTTP status of the provider's last answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// Time after which another try makes sense.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
}
