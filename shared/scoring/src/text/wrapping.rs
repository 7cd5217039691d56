//! Takes off what is around an answer and no part of it. Signs that could be a part of it are taken off only in
//! pairs.

use std::{iter::successors, sync::LazyLock};

use regex::Regex;

const PAIRS: &[(&str, &str)] = &[
    ("**", "**"),
    ("__", "__"),
    ("*", "*"),
    ("_", "_"),
    ("```", "```"),
    ("`", "`"),
    ("\"", "\""),
    ("'", "'"),
    ("“", "”"),
    ("„", "“"),
    ("‘", "’"),
    ("«", "»"),
    ("$$", "$$"),
    ("$", "$"),
    (r"\(", r"\)"),
    (r"\[", r"\]"),
    ("[", "]"),
    ("(", ")"),
    (r"\text{", "}"),
    (r"\textbf{", "}"),
    (r"\textrm{", "}"),
    (r"\mathrm{", "}"),
    (r"\mathbf{", "}"),
];

/// Largest number of layers that are taken off.
const LAYERS_MAX: usize = 16;

/// Characters that end a sentence.
const ENDS: &[char] = &['.', '。', '!', '！', '\u{200b}', '\u{feff}'];

/// Matches the mark of a list, quotation or heading.
static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:[->#•]+\s+|\*\s+|\d{1,2}[.)]\s+)").expect("a constant pattern"));

/// Returns the text and all that is left of it as its wrapping is taken off layer by layer.
pub(crate) fn unwrapped(text: &str) -> impl Iterator<Item = &str> {
    successors(Some(text.trim()), |text| without_layer(text)).take(LAYERS_MAX)
}

/// Returns the text without any wrapping, which is never empty unless the text is.
pub(crate) fn strip(text: &str) -> &str {
    unwrapped(text).last().unwrap_or(text)
}

fn without_layer(text: &str) -> Option<&str> {
    let inner = PAIRS.iter().find_map(|(open, close)| pair(text, open, close)).or_else(|| odd_emphasis(text));
    let inner = inner.or_else(|| shorter(text, text.trim_end_matches(ENDS).trim_start_matches('\u{feff}')));
    let inner = inner.or_else(|| MARK.find(text).map(|mark| &text[mark.end()..]));
    let inner = inner.or_else(|| amount(text)).or_else(|| label(text));
    inner.map(str::trim).filter(|inner| !inner.is_empty())
}

fn pair<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let inner = text.strip_prefix(open)?.strip_suffix(close)?;
    // "(a) and (b)" is not in brackets.
    let is_one = open == close || !inner.contains(close);
    (is_one && inner.chars().any(char::is_alphanumeric)).then_some(inner)
}

/// Takes off emphasis that began before the answer: `**Answer: Paris**`.
fn odd_emphasis(text: &str) -> Option<&str> {
    const MARK: &str = "**";
    let inner = text.strip_suffix(MARK).or_else(|| text.strip_prefix(MARK))?;
    (!inner.contains(MARK) && inner.chars().any(char::is_alphanumeric)).then_some(inner)
}

fn shorter<'a>(text: &str, inner: &'a str) -> Option<&'a str> {
    (inner.len() < text.len()).then_some(inner)
}

/// Takes the bracket off the label of a choice: `A)`.
fn label(text: &str) -> Option<&str> {
    text.strip_suffix(')').filter(|label| label.len() == 1 && label.starts_with(char::is_alphanumeric))
}

/// Takes the currency off an amount.
fn amount(text: &str) -> Option<&str> {
    text.strip_prefix(['$', '€', '£']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
