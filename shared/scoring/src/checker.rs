use runmill_proto::{Item, ItemType, Scorer, Scoring};
use serde::Deserialize;
use serde_json::Value;

/// Error for an item whose checker cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckerError {
    #[error("the item's checker cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Uploads with such a tolerance are refused, but earlier releases did not check it.
    #[error("the item's checker cannot be read: the tolerance {range}", range = Scoring::TOLERANCE)]
    Tolerance,
}

/// Returns the scoring that applies to `item`, if any does.
pub(crate) fn effective(item: &Item, run: Option<&Scoring>) -> Result<Option<Scoring>, CheckerError> {
    let own = item.checker.as_ref().filter(|checker| !checker.is_null()).map(read).transpose()?;
    Ok(own.or_else(|| run.cloned()).or_else(|| by_type(item.item_type)))
}

/// Reads a checker: a `scoring` object, or the name of a scorer, which means an object with only that scorer.
fn read(checker: &Value) -> Result<Scoring, CheckerError> {
    let scoring = match checker {
        Value::String(_) => bare(Scorer::deserialize(checker)?),
        _ => Scoring::deserialize(checker)?,
    };
    if scoring.has_tolerance_in_range() { Ok(scoring) } else { Err(CheckerError::Tolerance) }
}

/// Returns the default scoring of an item's type. A pair of answers has none, because only a judge could compare
/// them.
fn by_type(item_type: ItemType) -> Option<Scoring> {
    match item_type {
        ItemType::McqSingle | ItemType::McqMulti => Some(bare(Scorer::Choice)),
        ItemType::Freeform | ItemType::Code => Some(bare(Scorer::Exact)),
        ItemType::JudgePairwise => None,
    }
}

const fn bare(scorer: Scorer) -> Scoring {
    Scoring { scorer, pattern: None, tolerance: None }
}

/// Returns the name of the scorer in a configuration.
pub(crate) const fn name(scorer: Scorer) -> &'static str {
    match scorer {
        Scorer::Exact => "exact",
        Scorer::Includes => "includes",
        Scorer::Regex => "regex",
        Scorer::Numeric => "numeric",
        Scorer::Choice => "choice",
        Scorer::None => "none",
    }
}
