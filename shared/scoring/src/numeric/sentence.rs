//! Reads the number that a sentence is about, where no mark shows it.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    compound,
    reading::{Reading, is_alternative},
};
use crate::number::Number;

/// Matches words that begin the conclusion of a sentence.
static CONCLUSION: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?i)\b(?:so|therefore|thus|hence|which\s+means|which\s+gives|for\s+a\s+total)\b|→|⇒|∴")
});

/// Matches the beginning of a reason or a condition, whose numbers are not the answer.
static REASON: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)\b(?:because|since|where|given|assuming|if|with|namely|i\.e\.|after\s+\w+ing)(?:\b|[\s,])|\(",
        r"|\bis\s+the\s+(?:sum|product|difference|quotient|average)\s+of\b",
        r"|\bat\s+(?:only\s+)?[$€£]?[\d.,]+\s*(?:\p{L}+\s+)?(?:each|apiece)\b",
    ))
});

/// Matches the beginning of what an amount is for.
static PURPOSE: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)\b(?:for|per|out\s+of)\b"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// Reads a plain text by its numbers.
pub(super) fn read(text: &str, numbers: &[Number]) -> Reading {
    let Some(last) = numbers.last() else { return Reading::Nothing };
    let start = CONCLUSION.find_iter(text).map(|found| found.end()).filter(|end| *end <= last.start).last();
    let start = start.unwrap_or(0);
    let from = numbers.iter().position(|number| number.start >= start).unwrap_or(0);
    let chosen = from + choose(text, &numbers[from..]);
    if let Some(reading) = compound::read(text, numbers, chosen) {
        reading
    } else if is_alternative(text, numbers, chosen) {
        Reading::Undecided
    } else {
        Reading::Number(numbers[chosen].clone())
    }
}

/// Returns the position of the number that the numbers of a conclusion are about.
fn choose(text: &str, numbers: &[Number]) -> usize {
    let last = numbers.len() - 1;
    let numbers = before(text, numbers, &REASON);
    let head = before(text, numbers, &PURPOSE);
    let is_clear = head.len() == 1 && numbers.len() == 2;
    // "3 apples for $12" is about the money, "$64 for 16 glasses" too.
    let head = if is_clear && head[0].currency >= numbers[1].currency { head } else { numbers };
    after_equals(text, head).or_else(|| last_currency(head)).unwrap_or_else(|| head.len().min(last + 1) - 1)
}

/// Returns the numbers before the first match, or all if none is before it.
fn before<'a>(text: &str, numbers: &'a [Number], pattern: &Regex) -> &'a [Number] {
    let first = numbers[0].end;
    let Some(found) = pattern.find(&text[first..]) else { return numbers };
    let count = numbers.iter().take_while(|number| number.end <= first + found.start()).count();
    &numbers[..count.max(1)]
}

/// Matches the beginning of another clause behind a calculation.
static CLAUSE: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"[,;\n]|\b(?:and|but|so|then)\s+(?:(?:so|then|thus)\s+)?",
        r"(?:(?i:he|she|it|they|we|you|there|this|that|the|his|her|their|its)\b|I\b|\p{Lu}\p{Ll}+\b)",
    ))
});

/// Returns the first number after the last equals sign, unless another clause follows.
fn after_equals(text: &str, numbers: &[Number]) -> Option<usize> {
    let end = numbers.last()?.start;
    let sign = text[numbers[0].end.min(end)..end].rfind(['=', '≈'])? + numbers[0].end;
    let at = numbers.iter().position(|number| number.start > sign)?;
    let goes_on = numbers.get(at + 1).is_some_and(|next| CLAUSE.is_match(&text[numbers[at].end..next.start]));
    (!goes_on).then_some(at)
}

fn last_currency(numbers: &[Number]) -> Option<usize> {
    numbers.iter().rposition(|number| number.currency)
}
