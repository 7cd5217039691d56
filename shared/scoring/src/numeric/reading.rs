use std::sync::LazyLock;

use regex::Regex;

use super::equality::equal;
use crate::{negation, number::Number};

/// Result of reading an answer, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    Number(Number),
    /// The text has several numbers and does not say which of them it means.
    Undecided,
    Nothing,
}

impl From<Option<Number>> for Reading {
    fn from(number: Option<Number>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

static OR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*(?:[°%]|[€£$]|\p{L}+)?[\s,*)$]*(?:\b(?:or|oder|ou)\b|或)(?:\s+(?:even|maybe|perhaps|possibly|about))?[\s*$€£(]*$")
        .expect("a constant pattern")
});

static RANGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)^\s*(?:-|to\b|bis\b)\s*[$€£]?$").expect("a constant pattern"));

static BETWEEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\bbetween\s+[$€£*]*$").expect("a constant pattern"));

/// Returns the numbers that `plain` does not deny.
pub(super) fn affirmed(plain: &str, numbers: Vec<Number>) -> Vec<Number> {
    let is_affirmed = |number: &Number| !negation::denies_next(before(plain, number));
    numbers.into_iter().filter(is_affirmed).collect()
}

/// Returns the text before a number, without its sign and currency.
fn before<'a>(plain: &'a str, number: &Number) -> &'a str {
    plain[..number.start].trim_end_matches(['-', '$', '€', '£', '('])
}

/// Returns true if another number is offered beside the one at `chosen`: "17 or 18".
pub(super) fn is_alternative(plain: &str, numbers: &[Number], chosen: usize) -> bool {
    let pairs = chosen.saturating_sub(1)..=chosen;
    let mut pairs = pairs.filter_map(|at| Some((numbers.get(at)?, numbers.get(at + 1)?)));
    pairs.any(|(a, b)| OR.is_match(&plain[a.end..b.start]) && !equal(a, b, None))
}

/// Returns true if the first number begins a range: "17 to 18", "between 17 and 18".
pub(super) fn is_range(plain: &str, numbers: &[Number]) -> bool {
    let [a, b, ..] = numbers else { return false };
    let is_subtraction = plain[b.end..].trim_start().starts_with(['=', '≈', '→']);
    BETWEEN.is_match(&plain[..a.start]) || RANGE.is_match(&plain[a.end..b.start]) && !is_subtraction
}
