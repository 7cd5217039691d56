use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ErrorKind, InvocationId, Outcome, ProviderId, Remarks, RunId, Score, TokenLogprob, ToolCall, Usage,
    message::JobKey,
};

/// `invocation.v1`, from an executor to a log-sink: a job ended, with everything that is known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    pub epoch: u32,
    pub item_id: String,
    /// Start of the question, for people who watch the run; see [`Invocation::preview`].
    pub question: String,
    pub call: Call,
    pub outcome: Outcome,
    #[serde(default)]
    pub error_kind: Option<ErrorKind>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub response: Option<String>,
    #[serde(default)]
    pub reasoning: Option<String>,
    /// Tool calls that the model asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Log probabilities of the answer's tokens, if they were requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<TokenLogprob>>,
    #[serde(default)]
    pub score: Option<Score>,
}

/// One pass through the model client, with every HTTP request that it made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub id: InvocationId,
    pub provider_id: ProviderId,
    pub model: String,
    /// Attempts in order; empty if no request was made.
    pub attempts: Vec<Attempt>,
    /// Tokens of all attempts, as far as the provider reported them.
    #[serde(default)]
    pub usage: Option<Usage>,
    pub started_at: Timestamp,
    /// Time from the first attempt to the end of the call, waits included.
    pub latency_ms: u64,
    /// Time to the first token in the attempt that was answered.
    #[serde(default)]
    pub ttft_ms: Option<u64>,
    #[serde(default)]
    pub streamed: bool,
    /// Cost of all attempts whose price and usage are known, in billionths of a US dollar: at least this much was
    /// billed. Null if a part of an attempt's usage has no price.
    #[serde(default)]
    pub cost_nanousd: Option<i64>,
    #[serde(default, skip_serializing_if = "Remarks::is_empty")]
    pub remarks: Remarks,
}

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempt {
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: Timestamp,
    pub latency_ms: u64,
    /// HTTP status of the response. Null if there was no response.
    #[serde(default)]
    pub status: Option<u16>,
    /// Kind of the error. Null if this attempt was answered.
    #[serde(default)]
    pub error_kind: Option<ErrorKind>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Cost in billionths of a US dollar, if price and usage are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_nanousd: Option<i64>,
    /// Reason why the cost is unknown although the model has a price: the part of the usage that has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_unknown: Option<String>,
    /// Label of the API key that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// True if the request never reached the provider: there was no connection. It is then no call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
}

impl Call {
    /// Returns the time at which the call ended, by the clock of the executor.
    pub fn ended_at(&self) -> Timestamp {
        let latency = i64::try_from(self.latency_ms).map_or(SignedDuration::MAX, SignedDuration::from_millis);
        self.started_at.saturating_add(latency).unwrap_or(Timestamp::MAX)
    }

    /// Returns the number of attempts that reached the provider.
    pub fn requests(&self) -> u64 {
        self.attempts.iter().filter(|attempt| !attempt.unsent).count() as u64
    }

    /// Returns the number of requests after the first.
    pub fn retries(&self) -> u64 {
        self.requests().saturating_sub(1)
    }
}

impl Attempt {
    /// Returns true if the provider may charge for this attempt: it began an answer, or the wait for one was broken
    /// off.
    pub fn may_be_charged(&self) -> bool {
        let answered = self.error_kind.is_none() || self.status.is_some_and(|status| status < 300);
        let broken_off = matches!(
            self.error_kind,
            Some(
                ErrorKind::FirstTokenTimeout
                    | ErrorKind::IdleTimeout
                    | ErrorKind::TotalTimeout
                    | ErrorKind::Interrupted
            )
        );
        !self.unsent && (self.usage.is_some() || answered || broken_off)
    }
}

impl Invocation {
    const PREVIEW_CHARS: usize = 120;

    pub const fn key(&self) -> JobKey {
        JobKey { run_id: self.run_id, ordinal: self.ordinal, sample: self.sample }
    }

    /// Returns the first characters of `text`, enough for a line on a screen.
    pub fn preview(text: &str) -> String {
        text.chars().take(Self::PREVIEW_CHARS).collect()
    }
}
