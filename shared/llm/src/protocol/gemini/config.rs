use runmill_proto::{Fix, Generation, ReasoningEffort, ResponseFormat, Stop};
use serde::Serialize;
use serde_json::Value;

use crate::protocol::Form;

/// The parameter `generationConfig`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    /// Schema of the answer. This field is used instead of `responseSchema`, which supports only a part of
    /// `OpenAPI`'s schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_logprobs: Option<bool>,
    /// Number of alternative tokens at each position.
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Thinking>,
}

/// The parameter `thinkingConfig`. Models up to 2.5 accept a number of tokens, later ones the name of a level:
///
/// | effort | `thinkingBudget` of 2.5 | `thinkingLevel` of the others |
/// | --- | --- | --- |
/// | `none` | 0 | `MINIMAL` |
/// | `minimal` | 1024 | `MINIMAL` |
/// | `low` | 1024 | `LOW` |
/// | `medium` | 8192 | `MEDIUM` |
/// | `high`, `xhigh`, `max` | 24576 | `HIGH` |
///
/// The numbers are those of Google's own OpenAI-compatible endpoint. A level is also sent to a model that does not
/// have it: the provider's error is more useful than another level that runmill would choose silently. There is no
/// level for `none`; Google calls `MINIMAL` the closest to it.
///
/// With an effort other than `none` the thoughts are requested, too. Without an effort nothing is sent: models that
/// cannot think refuse the parameter.
///
/// Source: "Thinking", and "OpenAI compatibility", section "Thinking".
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Thinking {
    #[serde(rename = "thinkingBudget", skip_serializing_if = "Option::is_none")]
    budget: Option<u32>,
    #[serde(rename = "thinkingLevel", skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(rename = "includeThoughts")]
    shown: bool,
}

impl<'a> GenerationConfig<'a> {
    pub fn new(generation: &'a Generation, model: &str, form: Form) -> Self {
        let (response_mime_type, response_json_schema) = match &generation.response_format {
            None | Some(ResponseFormat::Text) => (None, None),
            Some(ResponseFormat::JsonObject) => (Some(JSON), None),
            Some(ResponseFormat::JsonSchema { json_schema }) => (Some(JSON), Some(&json_schema.schema)),
        };
        Self {
            temperature: form.unless(Fix::NoTemperature, generation.temperature),
            top_p: form.unless(Fix::NoTopP, generation.top_p),
            top_k: form.unless(Fix::NoTopK, generation.top_k),
            max_output_tokens: generation.max_new_tokens,
            stop_sequences: generation.stop.as_ref().map(Stop::as_slice),
            presence_penalty: form.unless(Fix::NoPresencePenalty, generation.presence_penalty),
            frequency_penalty: form.unless(Fix::NoFrequencyPenalty, generation.frequency_penalty),
            seed: form.unless(Fix::NoSeed, generation.seed),
            response_mime_type,
            response_json_schema,
            response_logprobs: generation.wants_logprobs().then_some(true),
            // Zero means the same as no number, and not every model accepts it.
            logprobs: generation.top_logprobs.filter(|&others| others > 0),
            thinking_config: generation.reasoning_effort.map(|effort| Thinking::new(effort, model)),
        }
    }
}

const JSON: &str = "application/json";

impl Thinking {
    fn new(effort: ReasoningEffort, model: &str) -> Self {
        let (budget, level) = match effort {
            ReasoningEffort::None => (0, "MINIMAL"),
            ReasoningEffort::Minimal => (1024, "MINIMAL"),
            ReasoningEffort::Low => (1024, "LOW"),
            ReasoningEffort::Medium => (8192, "MEDIUM"),
            // Google has nothing above it that all of its models accept.
            ReasoningEffort::High | ReasoningEffort::XHigh | ReasoningEffort::Max => (24576, "HIGH"),
        };
        let by_budget = model.rsplit('/').next().is_some_and(|name| name.starts_with("gemini-2.5"));
        Self {
            budget: by_budget.then_some(budget),
            level: (!by_budget).then_some(level),
            shown: effort != ReasoningEffort::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::JsonSchema;
    use serde_json::json;

    use super::*;

    fn encoded(generation: &Generation, model: &str) -> Value {
        serde_json::to_value(GenerationConfig::new(generation, model, Form::default())).unwrap()
    }

    #[test]
    fn every_parameter_that_the_wire_has_is_sent() {
        let generation = Generation {
            temperature: Some(0.0),
            top_p: Some(0.9),
            top_k: Some(40),
            max_new_tokens: Some(64),
            stop: Some(Stop::One("\n".into())),
            presence_penalty: Some(0.1),
            frequency_penalty: Some(0.2),
            repetition_penalty: Some(1.1),
            seed: Some(7),
            ..Generation::default()
        };
        assert_eq!(
            encoded(&generation, "m"),
            json!({"temperature": 0.0, "topP": 0.9, "topK": 40, "maxOutputTokens": 64, "stopSequences": ["\n"],
                   "presencePenalty": 0.1, "frequencyPenalty": 0.2, "seed": 7})
        );
    }

    #[test]
    fn the_form_of_the_answer_is_asked_for() {
        let schema = json!({"type": "object", "additionalProperties": false});
        let json_schema = JsonSchema {
            name: "grade".into(),
            description: None,
            schema: schema.clone(),
            strict: Some(true),
        };
        let table = [
            (ResponseFormat::Text, json!({})),
            (ResponseFormat::JsonObject, json!({"responseMimeType": "application/json"})),
            (
                ResponseFormat::JsonSchema { json_schema },
                json!({"responseMimeType": "application/json", "responseJsonSchema": schema}),
            ),
        ];
        for (format, want) in table {
            let generation = Generation { response_format: Some(format), ..Generation::default() };
            assert_eq!(encoded(&generation, "m"), want);
        }
    }

    #[test]
    fn log_probabilities_are_asked_for_with_as_many_others_as_wanted() {
        let table = [
            (Some(false), None, json!({})),
            (Some(true), None, json!({"responseLogprobs": true})),
            (Some(true), Some(0), json!({"responseLogprobs": true})),
            (None, Some(3), json!({"responseLogprobs": true, "logprobs": 3})),
        ];
        for (logprobs, top_logprobs, want) in table {
            let generation = Generation { logprobs, top_logprobs, ..Generation::default() };
            assert_eq!(encoded(&generation, "m"), want);
        }
    }

    #[test]
    fn an_effort_is_a_budget_or_a_level() {
        use ReasoningEffort::{High, Low, Max, Medium, Minimal, None, XHigh};
        let table = [
            (None, 0, "MINIMAL", false),
            (Minimal, 1024, "MINIMAL", true),
            (Low, 1024, "LOW", true),
            (Medium, 8192, "MEDIUM", true),
            (High, 24576, "HIGH", true),
            (XHigh, 24576, "HIGH", true),
            (Max, 24576, "HIGH", true),
        ];
        for (effort, budget, level, shown) in table {
            let generation = Generation { reasoning_effort: Some(effort), ..Generation::default() };
            assert_eq!(
                encoded(&generation, "gemini-2.5-flash"),
                json!({"thinkingConfig": {"thinkingBudget": budget, "includeThoughts": shown}})
            );
            for model in ["gemini-3.1-pro-preview", "gemini-flash-latest"] {
                assert_eq!(
                    encoded(&generation, model),
                    json!({"thinkingConfig": {"thinkingLevel": level, "includeThoughts": shown}})
                );
            }
        }
    }
}
