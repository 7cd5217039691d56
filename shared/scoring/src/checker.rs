use runmill_proto::{Item, ItemType, Scorer, Scoring};
use serde::Deserialize;
use serde_json::Value;

/// The scoring that holds for `item`; `None`: none. An error says why the item's checker cannot be used.
pub(crate) fn effective(item: &Item, run: Option<&Scoring>) -> Result<Option<Scoring>, String> {
    let own = item.checker.as_ref().filter(|checker| !checker.is_null()).map(read).transpose()?;
    Ok(own.or_else(|| run.cloned()).or_else(|| by_type(item.item_type)))
}

/// A checker is a `scoring` object, or a string, short for an object with only a scorer.
fn read(checker: &Value) -> Result<Scoring, String> {
    let scoring = match checker {
        Value::String(_) => Scorer::deserialize(checker).map(bare),
        _ => Scoring::deserialize(checker),
    };
    scoring.map_err(|fault| format!("the item's checker cannot be read: {fault}"))
}

/// A pair of answers has no scorer without a judge.
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

/// As a configuration writes it.
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
