//! Words for people about a result.

use runmill_proto::api::{DetailedResult, ScoreClass};

/// Says what became of a result, in a word.
pub fn verdict(result: &DetailedResult) -> String {
    let record = &result.result;
    match (&record.score, record.error_kind) {
        (Some(score), _) => ScoreClass::of(score.value).to_string(),
        (None, Some(kind)) => kind.to_string(),
        (None, None) => record.outcome.to_string(),
    }
}

/// Says why a result is as it is, or is empty.
pub fn reason(result: &DetailedResult) -> String {
    let record = &result.result;
    let detail = record.score.as_ref().and_then(|score| score.detail.clone());
    record.error.clone().or(detail).unwrap_or_default()
}

/// Returns the right answers of the item in one text.
pub fn references(result: &DetailedResult) -> String {
    result.references.join(" | ")
}
