use std::borrow::Cow;

use serde::Deserialize;

/// A text in an answer, borrowed from its bytes unless it holds an escape: a token should cost no allocation but
/// its place in the answer. A type of its own, because serde does not borrow a `Cow` inside an `Option`.
#[derive(Default, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// What is there of an optional text.
pub(super) fn or_empty<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", |text| &text.0)
}

/// Of an error's body that does not say what it is, enough to see it.
const RAW_MAX_CHARS: usize = 500;

pub(super) fn raw(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).trim().chars().take(RAW_MAX_CHARS).collect();
    if text.is_empty() { "the answer has no text".to_owned() } else { text }
}
