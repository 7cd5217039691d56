use serde::{Deserialize, Serialize};

use crate::{ErrorKind, Usage};

/// Request for a smoke test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SmokeTestRequest {
    /// Name of the model at the provider.
    pub model: String,
}

/// Report of a smoke test: the answer of a model to one short question, which an executor sent through the same code
/// as a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SmokeTestReport {
    /// True if the model gave a complete answer.
    pub ok: bool,
    /// Time from the question to the end of the answer, in milliseconds.
    pub latency_ms: u64,
    /// Time from the question to the first token, in milliseconds. Null if the answer was not streamed.
    pub ttft_ms: Option<u64>,
    pub streamed: bool,
    /// Beginning of the answer.
    pub preview: Option<String>,
    /// Numbers of tokens of the question and the answer. Null if the provider does not report them; costs are then
    /// unknown.
    pub usage: Option<Usage>,
    /// True if the model answers in JSON when it is asked to. Null if it did not answer the first question.
    pub json_mode: Option<bool>,
    /// Cost of the test in US dollars. Null if the price is unknown.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// Label of the API key that was used.
    #[serde(default)]
    pub key: Option<String>,
    /// Model that the answer names, if it is another than the one that was asked for. An alias names a version of its
    /// model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    pub error: Option<SmokeTestError>,
}

/// Reason why no complete answer came, with advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SmokeTestError {
    pub kind: ErrorKind,
    /// HTTP status of the response. Null if there was none.
    pub status: Option<u16>,
    pub message: String,
    pub advice: String,
}
