//! Takes off what LaTeX has for the eye.

use std::sync::LazyLock;

use regex::Regex;

static FORMULA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)\$\$(?<a>.+?)\$\$|\$(?<b>[^$\n]+?)\$|\\\((?<c>.+?)\\\)|\\\[(?<d>.+?)\\\]")
        .expect("a constant pattern")
});

static FONT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\\(?:text\w*|math(?:rm|bf|sf|it|tt|normal)|mbox|operatorname|displaystyle)\s*\{([^{}]*)\}")
        .expect("a constant pattern")
});

/// Matches a unit behind a number, with its power.
static UNIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:\\[ ,;!])*\\(?:text|mbox|mathrm|textrm)\s*\{[^{}]*\}(?:\^\{?-?\d\}?)?")
        .expect("a constant pattern")
});

/// Returns a formula without its units.
pub(super) fn without_units(text: &str) -> String {
    UNIT.replace_all(text, "").into_owned()
}

/// Returns the inside of the last formula between dollars or brackets.
pub(super) fn last_formula(text: &str) -> Option<&str> {
    let found = FORMULA.captures_iter(text).last()?;
    found.iter().skip(1).flatten().next().map(|inside| inside.as_str())
}

/// Returns a short text without fonts and spaces of LaTeX, for the comparison of words.
pub(super) fn plain_text(text: &str) -> String {
    let text = FONT.replace_all(text.trim().trim_matches('$'), "$1");
    let text = [r"\left", r"\right", r"\!", r"\,", r"\;", r"\:", r"\ ", r"\displaystyle"]
        .iter()
        .fold(text.into_owned(), |text, mark| text.replace(mark, ""));
    text.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac").replace(' ', "")
}
