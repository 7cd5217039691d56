use serde_json::Value;

use crate::code;

/// Largest number of brackets at which a document is looked for.
const TRIES_MAX: usize = 16;

/// Returns the JSON of an answer: the whole of it, its last code block, or the first object or list in it that is
/// valid.
pub(super) fn of(answer: &str) -> Option<Value> {
    let whole = serde_json::from_str(answer.trim()).ok();
    let block = || code::last_block(answer).and_then(|code| serde_json::from_str(code.trim()).ok());
    whole.or_else(block).or_else(|| within(answer))
}

fn within(answer: &str) -> Option<Value> {
    let starts = answer.match_indices(['{', '[']).take(TRIES_MAX);
    starts.map(|(at, _)| &answer[at..]).find_map(at_start)
}

fn at_start(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}
