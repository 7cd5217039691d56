use serde::{Deserialize, Serialize};

use crate::{ErrorKind, Usage};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SmokeTestRequest {
    /// As the provider names it.
    pub model: String,
}

/// How a model answered one short question, as an executor asked it: by the same way as a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SmokeTestReport {
    /// A whole answer came.
    pub ok: bool,
    /// From the question to the end of the answer.
    pub latency_ms: u64,
    /// To the first token; null if the answer came in one piece.
    pub ttft_ms: Option<u64>,
    pub streamed: bool,
    /// The start of the answer.
    pub preview: Option<String>,
    /// Null: the provider does not say, so costs will be unknown.
    pub usage: Option<Usage>,
    /// Whether the model answers in JSON when it is asked to; null if it was not asked, for it gave no answer at all.
    pub json_mode: Option<bool>,
    /// What the question cost, where the price is known.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// The label of the key that was used.
    #[serde(default)]
    pub key: Option<String>,
    pub error: Option<SmokeTestError>,
}

/// Why there was no answer, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SmokeTestError {
    pub kind: ErrorKind,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    pub message: String,
    pub advice: String,
}
