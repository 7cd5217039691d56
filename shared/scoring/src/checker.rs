use runmill_proto::{Item, ItemType, Scoring};
use serde_json::Value;

use crate::{Rule, ScoringError};

/// Error for an item whose checker cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckerError {
    #[error("the item's checker cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Uploads with such a tolerance are refused, but earlier releases did not check it.
    #[error("the item's checker cannot be read: {0}")]
    Rule(ScoringError),
}

/// Returns the rule that applies to `item`, if any does.
pub(crate) fn effective(item: &Item, run: Option<&Scoring>) -> Result<Option<Rule>, CheckerError> {
    let own = item.checker.as_ref().filter(|checker| !checker.is_null()).map(read).transpose()?;
    let rule = match own {
        None => run.map(Rule::try_from).transpose().map_err(CheckerError::Rule)?,
        own => own,
    };
    Ok(rule.or_else(|| by_type(item.item_type)))
}

/// Reads a checker: a rule, or the name of a scorer, which means a rule with only that scorer.
fn read(checker: &Value) -> Result<Rule, CheckerError> {
    let rule = Rule::read(checker)?;
    match rule.check() {
        // The pattern of an item may be its reference.
        Ok(()) | Err(ScoringError::NoPattern) => Ok(rule),
        Err(error) => Err(CheckerError::Rule(error)),
    }
}

/// Returns the default rule of an item's type. A pair of answers has none, because only a judge could compare them.
const fn by_type(item_type: ItemType) -> Option<Rule> {
    match item_type {
        ItemType::McqSingle | ItemType::McqMulti => Some(Rule::Choice),
        ItemType::Freeform | ItemType::Code => Some(Rule::Exact),
        ItemType::JudgePairwise => None,
    }
}
