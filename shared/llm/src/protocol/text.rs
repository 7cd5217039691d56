use std::borrow::Cow;

use serde::Deserialize;

/// A text in an answer, borrowed from the answer's bytes unless it contains an escape, so that reading a token
/// allocates nothing. It is a type of its own because serde does not borrow a `Cow` inside of an `Option`.
#[derive(Default, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Returns the text, or an empty one if it is absent.
pub(super) fn or_empty<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", |text| &text.0)
}

/// Returns the JSON text of an error's body. Some servers send it as an event of a stream, in its `data` line.
pub(super) fn json(body: &[u8]) -> &[u8] {
    let Some(event) = body.trim_ascii_start().strip_prefix(b"data:") else { return body };
    event.split(|byte| *byte == b'\n').next().unwrap_or(event)
}

/// Maximum number of characters that [`raw`] returns.
const RAW_MAX_CHARS: usize = 500;

/// Returns the start of an error's body as it is, as the message of an error in an unknown format.
pub(super) fn raw(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).trim().chars().take(RAW_MAX_CHARS).collect();
    if text.is_empty() { "the answer has no text".to_owned() } else { text }
}
