//! Reads one quantity of two numbers: "1 hour and 30 minutes". Neither of them is the answer.

use std::sync::LazyLock;

use regex::Regex;

use super::reading::Reading;
use crate::number::Number;

/// Units with the smaller ones that may follow them.
const UNITS: &[(&str, &str)] = &[
    (r"(?:years?|yrs?)", r"(?:months?|weeks?|days?)"),
    (r"months?", r"(?:weeks?|days?)"),
    (r"weeks?", r"days?"),
    (r"days?", r"(?:hours?|hrs?|h)"),
    (r"(?:hours?|hrs?|h)", r"(?:minutes?|mins?|m)"),
    (r"(?:minutes?|mins?|m)", r"(?:seconds?|secs?|s)"),
    (r"dollars?", r"cents?"),
    (r"(?:feet|foot|ft)", r"(?:inch(?:es)?|in)"),
    (r"(?:pounds?|lbs?)", r"(?:ounces?|oz)"),
];

/// Matches what stands between both numbers, and what follows the second, joined by a line feed.
static COMPOUND: LazyLock<Regex> = LazyLock::new(|| {
    let pairs = UNITS.iter().map(|(unit, smaller)| format!(r"{unit}[\s,]*(?:\band\s+)?\n\s*{smaller}"));
    constant(&format!(r"(?i)^\s*(?:{})\b", pairs.collect::<Vec<_>>().join("|")))
});

/// Matches what stands between a compound quantity and the same as one number: "(1.5 hours)", "= 90 minutes".
static SAME: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?i)^\s*\p{L}+\.?[\s,*]*(?:\(|=|≈|→|\bor\b|\bwhich\s+(?:is|equals)\b|\bi\.e\.)[\s,*$(=]*$")
});

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// Reads the quantity of which the number at `chosen` is a part, or which it says again: as one number if there is one,
/// or else it is undecided. Returns `None` if the number is no part of one.
pub(super) fn read(text: &str, numbers: &[Number], chosen: usize) -> Option<Reading> {
    let is_again = chosen > 0 && same(text, numbers, chosen - 1).is_some();
    let mut first = if is_again { chosen - 1 } else { chosen };
    while first > 0 && is_compound(text, numbers, first - 1) {
        first -= 1;
    }
    let mut last = first;
    while is_compound(text, numbers, last) {
        last += 1;
    }
    (last > first).then(|| same(text, numbers, last).map_or(Reading::Undecided, Reading::Number))
}

/// Returns true if the number at `at` and the next are one quantity.
fn is_compound(text: &str, numbers: &[Number], at: usize) -> bool {
    let Some([one, other]) = numbers.get(at..at + 2) else { return false };
    let after = &text[other.end..numbers.get(at + 2).map_or(text.len(), |next| next.start)];
    COMPOUND.is_match(&format!("{}\n{after}", &text[one.end..other.start]))
}

fn same(text: &str, numbers: &[Number], last: usize) -> Option<Number> {
    let [last, next] = numbers.get(last..last + 2)? else { return None };
    SAME.is_match(&text[last.end..next.start]).then(|| next.clone())
}
