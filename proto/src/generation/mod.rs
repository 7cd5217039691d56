//! Options of a call, apart from its prompt. They have the form of OpenAI's chat completions, which users know. Each
//! wire protocol translates them, and leaves out those that it lacks.

mod extra_body;
mod format;
mod logprob;
mod tool;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

pub use format::{JsonSchema, ResponseFormat};
pub use logprob::{TokenLogprob, TopLogprob};
pub use tool::{Function, NamedFunction, Tool, ToolCall, ToolChoice, ToolMode};

use crate::{ConfigFault, Range, range::optional_number, text_enum::text_enum};

/// Sampling parameters. An absent one has the provider's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Generation {
    /// Sampling temperature, from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub temperature: Option<f64>,
    /// Share of the probability mass from which tokens are drawn, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub top_p: Option<f64>,
    /// Number of the most likely tokens from which each token is drawn, from 0 to 1000000000.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub top_k: Option<u32>,
    /// Maximum number of tokens in an answer, from 1 to 1000000000.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub max_new_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", alias = "stop_sequences")]
    pub stop: Option<Stop>,
    /// Penalty of tokens that occurred before, from -100 to 100.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub presence_penalty: Option<f64>,
    /// Penalty of tokens for each time that they occurred before, from -100 to 100.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub frequency_penalty: Option<f64>,
    /// Factor by which tokens that occurred before become less likely, from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub repetition_penalty: Option<f64>,
    /// Seed of the sampling, from -9223372036854775808 to 9223372036854775807.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_seed")]
    pub seed: Option<i64>,
    /// Amount of reasoning before the answer, for a reasoning model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Form of the answer: text, any JSON, or JSON that matches a schema.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// Tools that the model may call instead of answering.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// False limits an answer to one call of a tool. Default: the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Asks for the log probability of each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// Number of the most likely alternatives that are returned for each token, from 0 to 20.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub top_logprobs: Option<u8>,
    /// Parameters that the request's body has at its top level as they are, at most 65536 bytes of JSON. They take
    /// precedence over what is sent otherwise. The names of what has a setting of its own, or belongs to the
    /// protocol, are refused.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra_body: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Stop {
    One(String),
    Many(Vec<String>),
}

text_enum! {
    /// Amount of reasoning before the answer, for a reasoning model.
    ReasoningEffort {
        None = "none",
        Minimal = "minimal",
        Low = "low",
        Medium = "medium",
        High = "high",
        XHigh = "xhigh",
        Max = "max",
    }
}

/// The ranges are wider than any provider's own: a value outside of them can only be a mistake.
const SHARE: Range<f64> = Range::new(0.0, 1.0);
const PENALTY: Range<f64> = Range::new(-100.0, 100.0);
const REPETITION_PENALTY: Range<f64> = Range::new(0.0, 100.0);
const COUNT: Range<u32> = Range::new(0, 1_000_000_000);
const TOP_LOGPROBS: Range<u8> = Range::new(0, 20);

impl Generation {
    /// Returns true for the name of a parameter.
    pub(crate) fn has(name: &str) -> bool {
        // No parameter has such a value, and fields that are not known are not read.
        let none = Map::from_iter([(name.to_owned(), serde_json::json!([[[]]]))]);
        !matches!(Self::deserialize(&none), Ok(read) if read == Self::default())
    }

    pub const TEMPERATURE: Range<f64> = Range::new(0.0, 100.0);
    /// Range of the maximum number of tokens in an answer.
    pub const TOKENS: Range<u32> = Range::new(1, 1_000_000_000);

    /// Returns true if log probabilities are requested.
    pub fn wants_logprobs(&self) -> bool {
        self.logprobs == Some(true) || self.top_logprobs.is_some()
    }

    /// Returns one fault for each value that no provider would accept.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let numbers = [
            Self::TEMPERATURE.fault("/temperature", self.temperature),
            SHARE.fault("/top_p", self.top_p),
            COUNT.fault("/top_k", self.top_k),
            Self::TOKENS.fault("/max_new_tokens", self.max_new_tokens),
            PENALTY.fault("/presence_penalty", self.presence_penalty),
            PENALTY.fault("/frequency_penalty", self.frequency_penalty),
            REPETITION_PENALTY.fault("/repetition_penalty", self.repetition_penalty),
            TOP_LOGPROBS.fault("/top_logprobs", self.top_logprobs),
        ];
        let mut faults: Vec<_> = numbers.into_iter().flatten().collect();
        if self.tool_choice.is_some() && self.tools.is_empty() {
            faults.push(ConfigFault { pointer: "/tool_choice".into(), detail: "needs tools".into() });
        }
        if self.parallel_tool_calls.is_some() && self.tools.is_empty() {
            faults.push(ConfigFault { pointer: "/parallel_tool_calls".into(), detail: "needs tools".into() });
        }
        faults.extend(extra_body::faults(&self.extra_body));
        faults
    }
}

/// Reads a seed. It can be any number of its type, so no number is left that could mark a value out of range.
fn optional_seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let (min, max) = (i64::MIN, i64::MAX);
    let words = || D::Error::custom(format!("`seed` must be a whole number from {min} to {max}"));
    let value = Option::<Value>::deserialize(deserializer)?;
    value.map(|value| value.as_i64().ok_or_else(words)).transpose()
}

impl Stop {
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(stop) => std::slice::from_ref(stop),
            Self::Many(stops) => stops,
        }
    }
}
