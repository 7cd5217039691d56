use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A text in an answer, borrowed from the answer's bytes unless it contains an escape, so that reading a token
/// allocates nothing. It is a type of its own because serde does not borrow a `Cow` inside of an `Option`.
#[derive(Default, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Returns the text, or an empty one if it is absent.
pub(super) fn or_empty<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", |text| &text.0)
}

/// Returns the content of a JSON text, or any other JSON value as it is written. Returns an empty text for null.
pub(super) fn text_or_json(value: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<Option<Text<'_>>>(value.get()) {
        Ok(text) => text.unwrap_or_default().0,
        Err(_) => value.get().into(),
    }
}

/// Maximum number of characters that [`raw`] returns.
const RAW_MAX_CHARS: usize = 500;

/// Returns the title of a web page, and otherwise the start of an error's body as it is, as the message of an error in
/// an unknown format.
pub(super) fn raw(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let title = title(&body).map(|title| format!("a web page, {title}"));
    let text: String = title.as_deref().unwrap_or(body.trim()).chars().take(RAW_MAX_CHARS).collect();
    if text.is_empty() { "the answer has no text".to_owned() } else { text }
}

/// Returns the title of a web page, in quotes. `None` for any other text, and for a page without a title.
fn title(body: &str) -> Option<String> {
    let (before, rest) = body.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    let title = title.trim();
    (before.trim_start().starts_with('<') && !title.is_empty()).then(|| format!("{title:?}"))
}
