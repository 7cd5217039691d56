use std::borrow::Cow;

use serde_json::{Map, Value};

/// Keys under which models and response formats give the answer, the clearest first. They are compared without case,
/// spaces and underscores.
const KEYS: &[&str] = &[
    "finalanswer",
    "correctanswer",
    "answer",
    "answers",
    "correctoption",
    "choice",
    "option",
    "result",
    "label",
];

/// Largest number of opening braces at which an object is looked for.
const TRIES_MAX: usize = 32;

/// Returns the answer of a text that is one JSON object, also in the fence of a code block.
pub(super) fn whole(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let text = text.strip_prefix("```json").and_then(|rest| rest.strip_suffix("```")).unwrap_or(text).trim();
    if !text.starts_with('{') {
        return None;
    }
    answer(&serde_json::from_str(text).ok()?).map(Cow::Owned)
}

/// Returns the answer of the last JSON object in a text that has one.
pub(super) fn last(text: &str) -> Option<Cow<'_, str>> {
    let braces = text.rmatch_indices('{').filter(|(at, _)| text[at + 1..].trim_start().starts_with('"'));
    braces.take(TRIES_MAX).find_map(|(at, _)| at_start(&text[at..])).map(Cow::Owned)
}

fn at_start(text: &str) -> Option<String> {
    let object = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>().next()?;
    answer(&object.ok()?)
}

fn answer(object: &Map<String, Value>) -> Option<String> {
    let of_key =
        |key: &&str| object.iter().find(|(name, _)| plain(name) == *key).and_then(|(_, value)| shown(value));
    KEYS.iter().find_map(of_key)
}

fn plain(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns a value as a person would write it: a list with commas, and a string without quotes.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(values) => {
            let values: Option<Vec<_>> = values.iter().filter(|value| !value.is_array()).map(shown).collect();
            values.map(|values| values.join(", "))
        }
        Value::Null | Value::Object(_) => None,
    }
    .filter(|text| !text.trim().is_empty())
}
