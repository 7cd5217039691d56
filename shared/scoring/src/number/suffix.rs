//! Reads what may follow the digits of a number: an exponent, a power, a denominator, a magnitude.

use std::sync::LazyLock;

use regex::Regex;

static EXPONENT: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"^(?:[eE]([-+]?\d{1,4})\b|\s?(?:×|x|\*)\s?10\s?(?:\^|\*\*)\s?\(?([-+]?\d{1,4})\)?)")
});

static POWER: LazyLock<Regex> = LazyLock::new(|| constant(r"^\s?(?:\^|\*\*)\s?\(?([-+]?\d{1,4})\)?"));

static OVER: LazyLock<Regex> = LazyLock::new(|| constant(r"^\s?/\s?(\d{1,18})(?<more>\s?/\s?\d+)?"));

static MIXED: LazyLock<Regex> = LazyLock::new(|| constant(r"^\s{1,2}(\d{1,18})\s?/\s?(\d{1,18})\b"));

static MAGNITUDE: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"^(?:[\s-]?(?i:(?<hundred>hundred)|(?<thousand>thousand)|(?<lakh>lakhs?)|(?<million>million|mio)",
        r"|(?<crore>crores?)|(?<billion>billion)|(?<trillion>trillion))\b",
        r"|(?:(?<k>[kK])|(?<m>M|mn)|(?<b>B|bn))\b|\s?(?:(?<wan>万|萬|만)|(?<yi>亿|億|억)))",
    ))
});

const MAGNITUDES: &[(&str, i32)] = &[
    ("hundred", 2),
    ("thousand", 3),
    ("k", 3),
    ("wan", 4),
    ("lakh", 5),
    ("million", 6),
    ("m", 6),
    ("crore", 7),
    ("yi", 8),
    ("billion", 9),
    ("b", 9),
    ("trillion", 12),
];

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// A suffix, and its length in bytes.
pub(super) type Suffix<T> = (T, usize);

/// Reads `e5` and `× 10^5` as the exponent 5.
pub(super) fn exponent(rest: &str) -> Option<Suffix<i32>> {
    power_of(&EXPONENT, rest)
}

/// Reads `^3` and `**3`.
pub(super) fn power(rest: &str) -> Option<Suffix<i32>> {
    power_of(&POWER, rest)
}

fn power_of(pattern: &Regex, rest: &str) -> Option<Suffix<i32>> {
    let found = pattern.captures(rest)?;
    let digits = found.iter().skip(1).flatten().next()?.as_str();
    Some((digits.trim_start_matches('+').parse().ok()?, found.get_match().len()))
}

/// A fraction after a number.
pub(super) enum Fraction {
    /// `/4`, after the numerator.
    Over(f64),
    /// ` 3/4`, after a whole number.
    And(f64),
    /// `/4/2024`, which makes a date or a path of it.
    Date,
}

pub(super) fn fraction(rest: &str) -> Option<Suffix<Fraction>> {
    let digits = |text: &str| text.parse::<f64>().ok();
    if let Some(found) = OVER.captures(rest) {
        let len = found.get_match().len();
        let kind =
            if found.name("more").is_some() { Fraction::Date } else { Fraction::Over(digits(&found[1])?) };
        return Some((kind, len));
    }
    let found = MIXED.captures(rest)?;
    let (over, under) = (digits(&found[1])?, digits(&found[2])?);
    (under != 0.0).then(|| (Fraction::And(over / under), found.get_match().len()))
}

/// Reads `k`, `million` and the like as powers of ten.
pub(super) fn magnitude(rest: &str) -> Option<Suffix<i32>> {
    let found = MAGNITUDE.captures(rest)?;
    let (_, power) = MAGNITUDES.iter().find(|(name, _)| found.name(name).is_some())?;
    Some((*power, found.get_match().len()))
}
