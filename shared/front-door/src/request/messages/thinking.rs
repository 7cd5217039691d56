use runmill_proto::ReasoningEffort;

use crate::{
    Refusal,
    request::{
        node::{Fields, Node},
        sampling,
    },
};

/// The parameters for thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thinking {
    pub effort: Option<ReasoningEffort>,
    /// True if the client reads thoughts. One that did not ask for them may take the first block for its answer.
    pub is_shown: bool,
}

/// Reads `thinking` and `output_config.effort`.
///
/// | request | effort |
/// | --- | --- |
/// | `thinking` disabled | `none` |
/// | `output_config.effort` | the same |
/// | budget up to 1024 tokens, up to 2048, more | `low`, `medium`, `high` |
/// | adaptive thinking without an effort | `high`, which is Anthropic's default |
///
/// The budgets are those that the model client sends to Anthropic for these efforts.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Thinking, Refusal> {
    let config = fields.get("output_config").map(Node::fields).transpose()?;
    let effort = config.and_then(|mut config| config.get("effort"));
    let effort = effort.map(|node| sampling::effort(&node)).transpose()?;
    let Some(node) = fields.get("thinking") else { return Ok(Thinking { effort, is_shown: false }) };
    let mut thinking = node.fields()?;
    let kind = thinking.require("type")?;
    let own = match kind.text()? {
        "disabled" => return Ok(Thinking { effort: Some(ReasoningEffort::None), is_shown: false }),
        "enabled" => of_budget(thinking.require("budget_tokens")?.whole()?),
        "adaptive" => ReasoningEffort::High,
        _ => return Err(kind.unsupported("'enabled', 'adaptive' and 'disabled'")),
    };
    let is_shown = thinking.text("display")? != Some("omitted");
    thinking.rest();
    Ok(Thinking { effort: Some(effort.unwrap_or(own)), is_shown })
}

const fn of_budget(tokens: u32) -> ReasoningEffort {
    match tokens {
        0..=1024 => ReasoningEffort::Low,
        1025..=2048 => ReasoningEffort::Medium,
        2049.. => ReasoningEffort::High,
    }
}
