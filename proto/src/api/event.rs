use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ErrorKind, Outcome, ProviderId, RunId, RunStatus, Score, ScoreSummary, Usage,
    api::{Run, RunCounters},
};

/// The data of one Server-Sent Event: JSON with a `type` and camelCase keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunEvent {
    RunStatus(RunStatusEvent),
    RunProgress(RunProgress),
    RunItem(RunItem),
    RunLog(RunLog),
    /// Sent first on a run's stream, with the run as it is now.
    Snapshot {
        run: Box<Run>,
    },
    /// Sent last on a run's stream.
    End(RunEnd),
    /// A type that a newer server sends; skipped.
    #[serde(other)]
    Unknown,
}

impl RunEvent {
    /// The SSE `event:` name.
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

/// Every field is always there, nulls included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStatusEvent {
    pub run_id: RunId,
    pub status: RunStatus,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub retry_count: u32,
    /// Null once dispatched or finished.
    pub retry_after: Option<Timestamp>,
    pub retry_requested_at: Option<Timestamp>,
    pub retry_reason: Option<String>,
    pub resumed_count: u32,
    pub last_resumed_at: Option<Timestamp>,
    pub cancel_requested_at: Option<Timestamp>,
    pub paused_at: Option<Timestamp>,
    pub pause_reason: Option<String>,
    /// When the run resumes by itself.
    pub resume_at: Option<Timestamp>,
}

/// Counters; at most five a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunProgress {
    pub run_id: RunId,
    pub counters: RunCounters,
    pub score: ScoreSummary,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
}

/// An item got its result.
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

/// An invocation, or an attempt of one that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunLog {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    pub provider_id: ProviderId,
    pub model: String,
    /// `None`: an attempt, or a deferral.
    pub outcome: Option<Outcome>,
    pub error_kind: Option<ErrorKind>,
    pub error: Option<String>,
    /// Of an invocation: attempts after the first. Of an attempt: those before it.
    pub retry_count: u64,
    pub latency_ms: u64,
    pub ttft_ms: Option<u64>,
    pub streamed: bool,
    pub usage: Option<Usage>,
    /// What the calls of it cost, failed ones included; null where prices or tokens are unknown.
    #[serde(default)]
    pub cost_usd: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnd {
    pub run_id: RunId,
    pub status: RunStatus,
}
