use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ErrorKind, InvocationId, Outcome, ProviderId, Remarks, RunId, Score, TokenLogprob, ToolCall, Usage,
    chat::Finish,
    message::{Attempt, ClientNote},
};

/// Result of a job. Each job has at most one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResultRecord {
    pub ordinal: u32,
    pub sample: u32,
    pub item_id: String,
    pub invocation_id: InvocationId,
    pub outcome: Outcome,
    pub error_kind: Option<ErrorKind>,
    pub error: Option<String>,
    pub response: Option<String>,
    pub reasoning: Option<String>,
    /// Tool calls that the model asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Log probabilities of the answer's tokens, if the run requested them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<TokenLogprob>>,
    /// Reason why the model stopped. Null if the item is no request of a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// Tokens of the attempt that was answered. Null if the item is no request of a batch, or the provider counted none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_usage: Option<Usage>,
    pub score: Option<Score>,
    /// Run whose answer was taken over, without a call. Null if this job was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused_from: Option<RunId>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub settled_at: Timestamp,
}

/// One attempt to answer a job, with all its HTTP requests. A job has several if it was deferred or repeated;
/// invocations whose result did not count are listed, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvocationRecord {
    pub id: InvocationId,
    pub ordinal: u32,
    pub sample: u32,
    pub provider_id: ProviderId,
    pub model: String,
    /// Outcome of the job. Null if this invocation ended with the job deferred.
    pub outcome: Option<Outcome>,
    pub error_kind: Option<ErrorKind>,
    pub attempts: Vec<Attempt>,
    pub usage: Option<Usage>,
    pub cost_nanousd: Option<i64>,
    pub streamed: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: Timestamp,
    pub latency_ms: u64,
    pub ttft_ms: Option<u64>,
    #[serde(flatten)]
    pub remarks: Remarks,
    /// Set for a call of a client of the front door. It belongs to no job: its `ordinal` and `sample` mean nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientNote>,
}
