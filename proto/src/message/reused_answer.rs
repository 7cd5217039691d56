use serde::{Deserialize, Serialize};

use crate::{Outcome, RunId, TokenLogprob, ToolCall};

/// Answer that an earlier run has for the same request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReusedAnswer {
    /// Run whose call was answered.
    pub run_id: RunId,
    pub outcome: Outcome,
    pub response: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<TokenLogprob>>,
}

impl ReusedAnswer {
    /// Largest size of all texts of an answer that is taken over, as they are stored. For a larger one, the model is called.
    pub const BYTES_MAX: u32 = 256 * 1024;
}
