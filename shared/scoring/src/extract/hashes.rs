use std::sync::LazyLock;

use regex::Regex;

const MARK: &str = "####";

/// Largest number of marks that are looked at, from the end.
const TRIES_MAX: usize = 32;

/// Matches a number, which a heading has only with a point and words after it.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[$€£*\\(\s]*[-+−]?\.?\d(?:[^.)]*|[^\s]*|.*\d)[.)*$]*$|^[A-Z]$").expect("a constant pattern")
});

/// Returns the text after the last `####` of an answer, unless it is a heading: a heading has text below, and is no
/// number.
pub(super) fn last(text: &str) -> Option<&str> {
    let mut marked =
        text.rmatch_indices(MARK).filter(|(at, _)| is_start_of_line(&text[..*at])).take(TRIES_MAX);
    marked.find_map(|(at, _)| {
        let rest = &text[at + MARK.len()..];
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.trim();
        let is_mark = !line.is_empty() && (below.trim().is_empty() || NUMBER.is_match(line));
        is_mark.then_some(line)
    })
}

/// Returns the text after the last `####` of a reference.
pub(super) fn any(text: &str) -> Option<&str> {
    let line = text[text.rfind(MARK)? + MARK.len()..].lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then_some(line)
}

/// A longer row of `#` is a heading.
fn is_start_of_line(before: &str) -> bool {
    !before.ends_with('#')
}
