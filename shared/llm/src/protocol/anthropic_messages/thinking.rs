use runmill_proto::{Generation, ReasoningEffort};
use serde::Serialize;

use super::model::Model;
use crate::ModelError;

/// The parameter `thinking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Disabled,
    Enabled {
        budget_tokens: u32,
    },
    Adaptive {
        /// Form in which thoughts are sent. Most models do not send their thoughts without this field.
        display: &'static str,
    },
}

/// The parameters for thinking, and the token limit that includes it.
///
/// | effort | `thinking.budget_tokens` | `output_config.effort`, with adaptive thinking |
/// | --- | --- | --- |
/// | `none` | `thinking` is disabled | `thinking` is disabled |
/// | `minimal`, `low` | 1024 | `low` |
/// | `medium` | 2048 | `medium` |
/// | `high` | 4096 | `high` |
/// | `xhigh` | 8192 | `xhigh` |
/// | `max` | 16384 | `max` |
///
/// The [`Model`] decides which column applies. The budgets up to `high` are LiteLLM's, so that a run has the same budget
/// here as with LiteLLM; those above it double. A level is also sent to a model that does not have it. `none` is also sent to a model that always thinks: the provider's error is more useful than another
/// effort that runmill would choose silently. Without an effort nothing is sent.
///
/// The token limit is required, and includes the tokens of thinking. Without `max_new_tokens` it is 4096 for the
/// answer plus the budget, or 16384 for a model that takes an effort instead of a budget. A budget must be smaller
/// than the limit, so it is reduced if need be; the API accepts none below 1024 tokens.
///
/// Source: "Extended thinking", "Budget rules and tuning"; "Effort".
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub max_tokens: u32,
    pub thinking: Option<Thinking>,
    pub effort: Option<&'static str>,
}

const ANSWER_TOKENS: u32 = 4096;
/// Default token limit of models that take an effort. It is below 21333, because from there on Anthropic's own
/// clients refuse to wait for a buffered answer.
const ADAPTIVE_TOKENS: u32 = 16_384;
const BUDGET_MIN_TOKENS: u32 = 1024;

impl Plan {
    /// Returns an error if an effort is set, and the token limit is too small for it.
    pub fn new(generation: &Generation, model: Model<'_>) -> Result<Self, ModelError> {
        let limit = generation.max_new_tokens;
        let own = if model.adapts() { ADAPTIVE_TOKENS } else { ANSWER_TOKENS };
        let plan = |thinking, effort| Self { max_tokens: limit.unwrap_or(own), thinking, effort };
        let Some(effort) = generation.reasoning_effort else { return Ok(plan(None, None)) };
        let (budget, level) = match effort {
            ReasoningEffort::None => return Ok(plan(Some(Thinking::Disabled), None)),
            ReasoningEffort::Minimal | ReasoningEffort::Low => (1024, "low"),
            ReasoningEffort::Medium => (2048, "medium"),
            ReasoningEffort::High => (4096, "high"),
            ReasoningEffort::XHigh => (8192, "xhigh"),
            ReasoningEffort::Max => (16_384, "max"),
        };
        if model.adapts() {
            return Ok(plan(Some(Thinking::Adaptive { display: "summarized" }), Some(level)));
        }
        let max_tokens = limit.unwrap_or(ANSWER_TOKENS + budget);
        let budget_tokens = budget.min(max_tokens.saturating_sub(1));
        if budget_tokens < BUDGET_MIN_TOKENS {
            let message =
                format!("reasoning_effort needs max_new_tokens above {BUDGET_MIN_TOKENS}: raise it");
            return Err(ModelError::Inexpressible { message });
        }
        Ok(Self { max_tokens, thinking: Some(Thinking::Enabled { budget_tokens }), effort: None })
    }

    /// Returns true if the model may think, so that it accepts no sampling parameters.
    pub fn thinks(&self) -> bool {
        !matches!(self.thinking, None | Some(Thinking::Disabled))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::Form;

    fn plan(effort: Option<ReasoningEffort>, limit: Option<u32>, model: &str) -> Result<Plan, ModelError> {
        let generation =
            Generation { reasoning_effort: effort, max_new_tokens: limit, ..Generation::default() };
        Plan::new(&generation, Model::new(model, Form::default()))
    }

    #[test]
    fn an_effort_is_a_budget_or_a_level() {
        use ReasoningEffort::{High, Low, Max, Medium, Minimal, None, XHigh};
        let (off, budget) =
            (json!({"type": "disabled"}), |n: u32| json!({"type": "enabled", "budget_tokens": n}));
        let adaptive = json!({"type": "adaptive", "display": "summarized"});
        let table = [
            (None, off.clone(), 4096, off, Option::None, 16_384),
            (Minimal, budget(1024), 5120, adaptive.clone(), Some("low"), 16_384),
            (Low, budget(1024), 5120, adaptive.clone(), Some("low"), 16_384),
            (Medium, budget(2048), 6144, adaptive.clone(), Some("medium"), 16_384),
            (High, budget(4096), 8192, adaptive.clone(), Some("high"), 16_384),
            (XHigh, budget(8192), 12_288, adaptive.clone(), Some("xhigh"), 16_384),
            (Max, budget(16_384), 20_480, adaptive, Some("max"), 16_384),
        ];
        for (effort, old, old_limit, new, level, new_limit) in table {
            let with_budget = plan(Some(effort), Option::None, "claude-haiku-4-5").unwrap();
            let got = (json!(with_budget.thinking), with_budget.effort, with_budget.max_tokens);
            assert_eq!(got, (old, Option::None, old_limit), "{effort:?}");

            let adapting = plan(Some(effort), Option::None, "claude-opus-4-6").unwrap();
            let got = (json!(adapting.thinking), adapting.effort, adapting.max_tokens);
            assert_eq!(got, (new, level, new_limit), "{effort:?}");
        }
    }

    #[test]
    fn a_budget_fits_below_the_limit_or_is_an_error() {
        let high = Some(ReasoningEffort::High);
        let table =
            [(5000, Some(4096)), (4097, Some(4096)), (4096, Some(4095)), (1025, Some(1024)), (1024, None)];
        for (limit, want) in table {
            let got = plan(high, Some(limit), "claude-haiku-4-5");
            let want = want.map(|budget_tokens| (limit, Thinking::Enabled { budget_tokens }));
            assert_eq!(got.ok().and_then(|plan| Some((plan.max_tokens, plan.thinking?))), want, "{limit}");
        }
        assert_eq!(plan(high, Some(64), "claude-opus-5").unwrap().max_tokens, 64);
    }

    #[test]
    fn without_an_effort_nothing_is_said_of_thinking() {
        for (model, limit) in [("claude-haiku-4-5", 4096), ("claude-opus-5", 16_384)] {
            let plan = plan(None, None, model).unwrap();
            assert_eq!((json!(plan.thinking), plan.effort, plan.max_tokens), (Value::Null, None, limit));
            assert!(!plan.thinks());
        }
    }
}
