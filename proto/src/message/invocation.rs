use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ErrorKind, InvocationId, Outcome, ProviderId, Remarks, RunId, Score, TokenId, TokenLogprob, ToolCall,
    Usage, chat::Finish, message::JobKey,
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
    /// Reason why the model stopped, of an answer to a client's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// Tokens of the attempt that was answered, of an answer to a client's request, if the provider counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_usage: Option<Usage>,
    #[serde(default)]
    pub score: Option<Score>,
    /// Run whose answer was taken over, without a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused_from: Option<RunId>,
    /// Set for a call of a client of the front door. It is charged to the run, and is the result of none of its jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientNote>,
}

/// Record of what a client asked for, beside its call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientNote {
    /// Token of the client. `None` for one that the server was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<TokenId>,
    /// Parameters of the request that were taken and had no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
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
    /// Returns a call that ended at once, before any request was made.
    pub fn unsent(
        id: InvocationId,
        provider_id: ProviderId,
        model: impl Into<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            provider_id,
            model: model.into(),
            attempts: Vec::new(),
            usage: None,
            started_at: at,
            latency_ms: 0,
            ttft_ms: None,
            streamed: false,
            cost_nanousd: None,
            remarks: Remarks::default(),
        }
    }

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

    /// Returns the record of a call in a run's first pass, without its item, its answer and a score.
    pub const fn new(JobKey { run_id, ordinal, sample }: JobKey, call: Call, outcome: Outcome) -> Self {
        Self {
            run_id,
            ordinal,
            sample,
            epoch: 0,
            item_id: String::new(),
            question: String::new(),
            call,
            outcome,
            error_kind: None,
            error: None,
            response: None,
            reasoning: None,
            tool_calls: Vec::new(),
            logprobs: None,
            finish: None,
            answer_usage: None,
            score: None,
            reused_from: None,
            client: None,
        }
    }

    pub const fn key(&self) -> JobKey {
        JobKey { run_id: self.run_id, ordinal: self.ordinal, sample: self.sample }
    }

    /// Returns the first characters of `text`, enough for a line on a screen.
    pub fn preview(text: &str) -> String {
        text.chars().take(Self::PREVIEW_CHARS).collect()
    }
}
