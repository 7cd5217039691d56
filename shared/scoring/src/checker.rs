use std::borrow::Cow;

use runmill_proto::{Item, ItemType};
use serde_json::Value;

use crate::{Rule, ScoringError, question::references};

/// Error for an item whose checker cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CheckerError {
    #[error("the item's checker cannot be read: {0}")]
    Json(String),
    /// Uploads with such a checker are refused, but earlier releases did not check it.
    #[error("the item's checker cannot be read: {0}")]
    Rule(ScoringError),
}

/// Checks the scorer that an item brings with it.
///
/// # Errors
///
/// * [`CheckerError::Json`]: it is no scorer, or has a setting of another kind.
/// * [`CheckerError::Rule`]: it cannot be used, or its pattern is missing and the item has no reference in place of it.
pub fn check_item(item: &Item) -> Result<(), CheckerError> {
    match own(item)? {
        Some(rule) if rule.needs_reference() => check_reference(&rule, item).map_err(CheckerError::Rule),
        _ => Ok(()),
    }
}

/// Checks the reference that is the pattern of a rule without one.
fn check_reference(rule: &Rule, item: &Item) -> Result<(), ScoringError> {
    let (Rule::Regex(pattern) | Rule::Pattern(pattern)) = rule else { return Ok(()) };
    pattern.check_reference(&references(item))
}

/// Returns the rule that applies to `item`, if any does: its own, or else that of the run, or else that of its type.
pub(crate) fn effective<'a>(
    item: &Item,
    run: Option<&'a Result<Rule, ScoringError>>,
) -> Result<Option<Cow<'a, Rule>>, CheckerError> {
    if let Some(own) = own(item)? {
        return Ok(Some(Cow::Owned(own)));
    }
    match run {
        Some(Ok(rule)) => Ok(Some(Cow::Borrowed(rule))),
        Some(Err(error)) => Err(CheckerError::Rule(error.clone())),
        None => Ok(by_type(item.item_type).map(Cow::Owned)),
    }
}

fn own(item: &Item) -> Result<Option<Rule>, CheckerError> {
    item.checker.as_ref().filter(|checker| !checker.is_null()).map(read).transpose()
}

/// Reads a checker: a rule, or the name of a scorer, which means a rule with only that scorer.
fn read(checker: &Value) -> Result<Rule, CheckerError> {
    let rule = Rule::read(checker).map_err(|error| CheckerError::Json(error.to_string()))?;
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
