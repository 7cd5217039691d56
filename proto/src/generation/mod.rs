//! What a run asks of its model beside the prompt. The shapes are those of OpenAI's chat completions, which users
//! know; each wire protocol puts them into its own words, and leaves out what its wire does not have.

mod format;
mod logprob;
mod tool;

use serde::{Deserialize, Serialize};

pub use format::{JsonSchema, ResponseFormat};
pub use logprob::{TokenLogprob, TopLogprob};
pub use tool::{Function, NamedFunction, Tool, ToolCall, ToolChoice, ToolMode};

use crate::{ConfigFault, text_enum::text_enum};

/// Sampling parameters; `None` leaves the provider's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_new_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", alias = "stop_sequences")]
    pub stop: Option<Stop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// How long a reasoning model thinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// JSON mode, or JSON by a schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// What the model may ask for instead of an answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Ask for the log probability of each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// And of so many likely others at each place, 0 to 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stop {
    One(String),
    Many(Vec<String>),
}

text_enum! {
    /// How long a reasoning model is to think before it answers.
    ReasoningEffort {
        None = "none",
        Minimal = "minimal",
        Low = "low",
        Medium = "medium",
        High = "high",
    }
}

const TOP_LOGPROBS_MAX: u8 = 20;

impl Generation {
    /// Whether log probabilities are asked for.
    pub fn wants_logprobs(&self) -> bool {
        self.logprobs == Some(true) || self.top_logprobs.is_some()
    }

    /// What no provider would take.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if self.top_logprobs.is_some_and(|n| n > TOP_LOGPROBS_MAX) {
            faults.push(ConfigFault {
                pointer: "/top_logprobs".into(),
                detail: format!("must be at most {TOP_LOGPROBS_MAX}"),
            });
        }
        if self.tool_choice.is_some() && self.tools.is_empty() {
            faults.push(ConfigFault { pointer: "/tool_choice".into(), detail: "needs tools".into() });
        }
        faults
    }
}

impl Stop {
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(stop) => std::slice::from_ref(stop),
            Self::Many(stops) => stops,
        }
    }
}
