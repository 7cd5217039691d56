//! Hears the sign of a number in the text around it.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::tail;

/// Largest distance of a sign from its number.
const NEAR_BYTES: usize = 40;

pub(super) const CURRENCIES: &[char] = &['$', '€', '£', '¥', '₹', '₩', '₽'];

/// Matches a minus sign with a space after it, where it is neither a subtraction nor the mark of a list.
static SPACED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:[=≈→:(]|\b(?:is|are|be))\s*[*$]*\s*-\s+$").expect("a constant pattern"));

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|(?<before>[^\s])\s*)\b(?<word>minus|negative)\s+$").expect("a constant pattern")
});

/// Returns true if the number between `before` and `after` is negative. A dash after a letter, a digit, `)` or `%` is
/// a range or a subtraction instead.
pub(super) fn is_negative(before: &str, after: &str) -> bool {
    let before = tail(before, NEAR_BYTES);
    let text = before.trim_end_matches(CURRENCIES).trim_end_matches('*');
    if let Some(rest) = text.strip_suffix('-') {
        return !rest.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '%' | '-'));
    }
    is_spaced(text) || is_word(text) || is_whole_text(text, after) || is_in_accounts(before, after)
}

fn is_spaced(before: &str) -> bool {
    before.trim_end().ends_with('-') && SPACED.is_match(before)
}

/// Reads `minus 5` and `negative 5`, but `20 minus 5` is a subtraction.
fn is_word(before: &str) -> bool {
    // Most numbers have no word before them that ends like one of the two.
    if !before.trim_end().ends_with(['s', 'S', 'e', 'E']) {
        return false;
    }
    let Some(found) = WORD.captures(before) else { return false };
    let after_digit =
        found.name("before").is_some_and(|c| c.as_str().ends_with(|c: char| c.is_ascii_digit()));
    found["word"].eq_ignore_ascii_case("negative") || !after_digit
}

/// Reads `- 5` as negative if the text has nothing else: otherwise it may be a list.
fn is_whole_text(before: &str, after: &str) -> bool {
    before.trim() == "-" && !after.chars().any(char::is_alphanumeric)
}

/// Reads `($5)` as accountants do, if the text has nothing else.
fn is_in_accounts(before: &str, after: &str) -> bool {
    let has_currency = before.ends_with(CURRENCIES);
    has_currency && before.trim_end_matches(CURRENCIES).trim() == "(" && matches!(after.trim(), ")" | ").")
}
