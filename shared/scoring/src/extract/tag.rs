use std::sync::LazyLock;

use regex::Regex;

/// Matches `<answer>…</answer>`; an answer that is cut off before the end of the tag counts too.
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    let tag = r"(?:final[_ -]?)?answer";
    Regex::new(&format!(r"(?is)(?:<{tag}>|\[{tag}\])\s*(?<inside>.*?)\s*(?:</{tag}>|\[/{tag}\]|\z)"))
        .expect("a constant pattern")
});

/// Returns the text in the last tag of an answer.
pub(super) fn last(text: &str) -> Option<&str> {
    let found = TAG.captures_iter(text).last()?;
    found.name("inside").map(|inside| inside.as_str()).filter(|inside| !inside.is_empty())
}
