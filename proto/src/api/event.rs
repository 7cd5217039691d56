use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ErrorKind, Outcome, ProviderId, RunId, RunStatus, Score, ScoreSummary, Usage,
    api::{Run, RunCounters},
};

/// Data of one Server-Sent Event: JSON with a `type` and camelCase keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunEvent {
    RunStatus(RunStatusEvent),
    RunProgress(RunProgress),
    RunItem(RunItem),
    RunLog(RunLog),
    /// Current state of the run: the first event of a run's stream.
    Snapshot {
        run: Box<Run>,
    },
    /// The run ended: the last event of a run's stream.
    End(RunEnd),
    /// Event of a type that only a newer server knows. Clients skip it.
    #[serde(other)]
    Unknown,
}

impl RunEvent {
    /// Returns the name of the event, as in the field `event:` of SSE.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStatus(_) => "run_status",
            Self::RunProgress(_) => "run_progress",
            Self::RunItem(_) => "run_item",
            Self::RunLog(_) => "run_log",
            Self::Snapshot { .. } => "snapshot",
            Self::End(_) => "end",
            Self::Unknown => "unknown",
        }
    }
}

/// Status of a run after a change. Every field is always present, even if it is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStatusEvent {
    pub run_id: RunId,
    pub status: RunStatus,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub retry_count: u32,
    /// Time at which the jobs that were deferred by the last interruption are tried again. Null after that, and after
    /// the run's end.
    pub retry_after: Option<Timestamp>,
    pub retry_requested_at: Option<Timestamp>,
    pub retry_reason: Option<String>,
    pub resumed_count: u32,
    pub last_resumed_at: Option<Timestamp>,
    pub cancel_requested_at: Option<Timestamp>,
    pub paused_at: Option<Timestamp>,
    pub pause_reason: Option<String>,
    /// Time at which the paused run resumes by itself. Null if it does not.
    pub resume_at: Option<Timestamp>,
}

/// Counters of a run. Sent at most five times a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunProgress {
    pub run_id: RunId,
    pub counters: RunCounters,
    pub score: ScoreSummary,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
}

/// Result of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunItem {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    pub item_id: String,
    pub question: String,
    pub answer: Option<String>,
    pub outcome: Outcome,
    pub error_kind: Option<ErrorKind>,
    pub score: Option<Score>,
}

/// End of an invocation, or of a failed attempt within one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunLog {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    pub provider_id: ProviderId,
    pub model: String,
    /// Outcome of the invocation. Absent for an attempt, and for an invocation that ended with the job deferred.
    pub outcome: Option<Outcome>,
    pub error_kind: Option<ErrorKind>,
    pub error: Option<String>,
    /// Number of attempts after the first (for an invocation), or before this one (for an attempt).
    pub retry_count: u64,
    pub latency_ms: u64,
    pub ttft_ms: Option<u64>,
    pub streamed: bool,
    pub usage: Option<Usage>,
    /// Cost of the calls, failed ones included. Null if prices or token counts are unknown.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// Line of LightEval's log. Such an event is of no call: its other fields have no meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnd {
    pub run_id: RunId,
    pub status: RunStatus,
}
