//! Options of a call beside its prompt. The shapes are those of OpenAI's chat completions, which users know; each wire
//! protocol translates them, and leaves out those that it lacks.

mod format;
mod logprob;
mod tool;

use serde::{Deserialize, Serialize};

pub use format::{JsonSchema, ResponseFormat};
pub use logprob::{TokenLogprob, TopLogprob};
pub use tool::{Function, NamedFunction, Tool, ToolCall, ToolChoice, ToolMode};

use crate::{ConfigFault, Range, range::optional_number, text_enum::text_enum};

/// Sampling parameters; `None` leaves the provider's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generation {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub max_new_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", alias = "stop_sequences")]
    pub stop: Option<Stop>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Amount of thought that a reasoning model gives before it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// JSON mode, or JSON by a schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// Tools that the model may call instead of answering.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Asks for the log probability of each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// Number of likely alternatives that are told for each token, 0 to 20.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub top_logprobs: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stop {
    One(String),
    Many(Vec<String>),
}

text_enum! {
    /// Amount of thought that a reasoning model gives before it answers.
    ReasoningEffort {
        None = "none",
        Minimal = "minimal",
        Low = "low",
        Medium = "medium",
        High = "high",
    }
}

/// Ranges that are wider than any provider's own: beyond them a value can only be a mistake.
const TEMPERATURE: Range<f64> = Range::new(0.0, 100.0);
const SHARE: Range<f64> = Range::new(0.0, 1.0);
const PENALTY: Range<f64> = Range::new(-100.0, 100.0);
const REPETITION_PENALTY: Range<f64> = Range::new(0.0, 100.0);
const COUNT: Range<u32> = Range::new(0, 1_000_000_000);
const TOKENS: Range<u32> = Range::new(1, 1_000_000_000);
const TOP_LOGPROBS: Range<u8> = Range::new(0, 20);

impl Generation {
    /// Returns true if log probabilities are asked for.
    pub fn wants_logprobs(&self) -> bool {
        self.logprobs == Some(true) || self.top_logprobs.is_some()
    }

    /// One fault for each value that no provider would take.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let numbers = [
            TEMPERATURE.fault("/temperature", self.temperature),
            SHARE.fault("/top_p", self.top_p),
            COUNT.fault("/top_k", self.top_k),
            TOKENS.fault("/max_new_tokens", self.max_new_tokens),
            PENALTY.fault("/presence_penalty", self.presence_penalty),
            PENALTY.fault("/frequency_penalty", self.frequency_penalty),
            REPETITION_PENALTY.fault("/repetition_penalty", self.repetition_penalty),
            TOP_LOGPROBS.fault("/top_logprobs", self.top_logprobs),
        ];
        let mut faults: Vec<_> = numbers.into_iter().flatten().collect();
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
