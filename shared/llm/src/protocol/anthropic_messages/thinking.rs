use runmill_proto::{Generation, ReasoningEffort};
use serde::Serialize;

use super::model::Model;
use crate::ModelError;

/// `thinking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Disabled,
    Enabled {
        budget_tokens: u32,
    },
    Adaptive {
        /// Without it most models keep their thoughts to themselves.
        display: &'static str,
    },
}

/// How long to think, and how much to write in all.
///
/// | effort | `thinking.budget_tokens` | `output_config.effort`, with adaptive thinking |
/// | --- | --- | --- |
/// | `none` | `thinking` is disabled | `thinking` is disabled |
/// | `minimal`, `low` | 1024 | `low` |
/// | `medium` | 2048 | `medium` |
/// | `high` | 4096 | `high` |
///
/// Which column holds depends on the [`Model`]. The budgets are those of LiteLLM, so that a run means the same
/// here. To a model that cannot but think, `none` is sent all the same: its refusal says more than a silent
/// substitute. Without an effort nothing is sent.
///
/// The limit of tokens, `max_new_tokens`, counts thoughts, and the wire demands one. Without it: 4096 for the
/// answer and the budget on top, or 16384 for a model that adapts. A budget must be smaller than the limit, so it
/// shrinks; below 1024 tokens the API takes none.
///
/// Source: "Extended thinking", "Budget rules and tuning"; "Effort".
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub max_tokens: u32,
    pub thinking: Option<Thinking>,
    pub effort: Option<&'static str>,
}

const ANSWER_TOKENS: u32 = 4096;
/// Below the 21333 from which on Anthropic's own clients do not wait for an answer in one piece.
const ADAPTIVE_TOKENS: u32 = 16_384;
const BUDGET_MIN_TOKENS: u32 = 1024;

impl Plan {
    /// An error when thoughts are asked for and cannot fit.
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
        };
        if model.adapts() {
            return Ok(plan(Some(Thinking::Adaptive { display: "summarized" }), Some(level)));
        }
        let max_tokens = limit.unwrap_or(ANSWER_TOKENS + budget);
        let budget_tokens = budget.min(max_tokens.saturating_sub(1));
        if budget_tokens < BUDGET_MIN_TOKENS {
            let message = format!("reasoning_effort needs a max_new_tokens above {BUDGET_MIN_TOKENS}");
            return Err(ModelError::InvalidRequest { status: 400, message });
        }
        Ok(Self { max_tokens, thinking: Some(Thinking::Enabled { budget_tokens }), effort: None })
    }

    /// Whether the model may think, and then its sampling cannot be set.
    pub fn thinks(&self) -> bool {
        !matches!(self.thinking, None | Some(Thinking::Disabled))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plan(effort: Option<ReasoningEffort>, limit: Option<u32>, model: &str) -> Result<Plan, ModelError> {
        let generation =
            Generation { reasoning_effort: effort, max_new_tokens: limit, ..Generation::default() };
        Plan::new(&generation, Model::new(model))
    }

    #[test]
    fn an_effort_is_a_budget_or_a_level() {
        use ReasoningEffort::{High, Low, Medium, Minimal, None};
        let (off, budget) =
            (json!({"type": "disabled"}), |n: u32| json!({"type": "enabled", "budget_tokens": n}));
        let adaptive = json!({"type": "adaptive", "display": "summarized"});
        let table = [
            (None, off.clone(), 4096, off, Option::None, 16_384),
            (Minimal, budget(1024), 5120, adaptive.clone(), Some("low"), 16_384),
            (Low, budget(1024), 5120, adaptive.clone(), Some("low"), 16_384),
            (Medium, budget(2048), 6144, adaptive.clone(), Some("medium"), 16_384),
            (High, budget(4096), 8192, adaptive, Some("high"), 16_384),
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
