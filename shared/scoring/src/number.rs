//! Reads numbers as people and models write them.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number {
    pub value: f64,
    /// True if a `%` follows the number.
    pub percent: bool,
}

/// Matches `1 3/4`, `3/4`, `1,234.5`, `.5`, `6.02e23` and `6.02 × 10^{23}`. The sign and the `%` are read separately.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?x) (?:(?<whole>\d+)\s+)? (?<over>\d+) \s?/\s? (?<under>\d+)",
        r"| (?<decimal> (?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)? | \.\d+ )",
        r"  (?: [eE](?<exponent>[-+]?\d+)",
        r"    | \s?(?:×|x|\*|\\times|\\cdot)\s?10\s?\^\s?\{?(?<power>[-+−]?\d+)\}? )?",
    ))
    .expect("a constant pattern")
});

/// Matches TeX's fractions, which become `a/b`, with a space that separates them from a preceding number.
static FRACTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"([-−]?)\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}").expect("a constant pattern")
});

/// Returns the numbers of `text`, in order. Digits inside a word (`H2O`) are not a number.
pub(crate) fn numbers(text: &str) -> Vec<Number> {
    let text = plain(text);
    NUMBER.captures_iter(&text).filter_map(|found| read(&text, &found)).collect()
}

/// Removes separators between the digits of a number: narrow spaces, and TeX's `{,}` and `\,`. Turns TeX's fractions and
/// `\%` into plain text.
fn plain(text: &str) -> String {
    let text = match FRACTION.replace_all(text, " $1$2/$3") {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    };
    text.replace("{,}", ",")
        .replace(r"\,", "")
        .replace(['\u{2009}', '\u{202f}', '\u{a0}'], "")
        .replace(r"\%", "%")
}

fn read(text: &str, found: &Captures<'_>) -> Option<Number> {
    let all = found.get_match();
    let before = &text[..all.start()];
    if before.ends_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let value = magnitude(found)?;
    let value = if is_negative(before) { -value } else { value };
    let percent = text[all.end()..].trim_start().starts_with('%');
    value.is_finite().then_some(Number { value, percent })
}

fn magnitude(found: &Captures<'_>) -> Option<f64> {
    let part = |name| found.name(name).and_then(|part| part.as_str().replace('−', "-").parse::<f64>().ok());
    if let (Some(over), Some(under)) = (part("over"), part("under")) {
        return (under != 0.0).then(|| part("whole").unwrap_or(0.0) + over / under);
    }
    let decimal = found.name("decimal")?.as_str().replace(',', "");
    let exponent = found.name("exponent").or_else(|| found.name("power"));
    // Decimal and exponent are parsed together, so that the result is the nearest number to the text.
    exponent.map_or(decimal.clone(), |it| format!("{decimal}e{}", it.as_str().replace('−', "-"))).parse().ok()
}

/// Returns true if `before` ends with a minus sign, which a currency may follow. After a letter, a digit, `)` or `%` the dash
/// is a range or a subtraction instead.
fn is_negative(before: &str) -> bool {
    let before = before.trim_end_matches(['$', '€', '£']);
    let Some(rest) = before.strip_suffix(['-', '−', '–']) else { return false };
    !rest.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '%' | '-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<f64> {
        numbers(text).into_iter().map(|number| number.value).collect()
    }

    #[test]
    fn numbers_in_the_wild() {
        let table: [(&str, &[f64]); 29] = [
            ("42", &[42.0]),
            ("It is 42.", &[42.0]),
            ("$1,234.50 in all", &[1234.5]),
            ("1,000,000", &[1e6]),
            ("1, 2, 3", &[1.0, 2.0, 3.0]),
            (r"1{,}000", &[1000.0]),
            (r"1\,000", &[1000.0]),
            ("1\u{202f}000", &[1000.0]),
            (".5", &[0.5]),
            ("-5", &[-5.0]),
            ("−5 °C", &[-5.0]),
            ("x=-5", &[-5.0]),
            ("-$5", &[-5.0]),
            ("$-5", &[-5.0]),
            ("10-5", &[10.0, 5.0]),
            ("1939–1945", &[1939.0, 1945.0]),
            ("6.02e23", &[6.02e23]),
            ("1.2 × 10^5", &[1.2e5]),
            (r"1.2 \times 10^{-5}", &[1.2e-5]),
            ("3/4", &[0.75]),
            ("1 3/4 cups", &[1.75]),
            (r"\frac{3}{4}", &[0.75]),
            (r"-\frac{1}{2}", &[-0.5]),
            ("1/0", &[]),
            ("H2O and GPT4", &[]),
            ("5km, the 3rd", &[5.0, 3.0]),
            ("1e999", &[]),
            ("no number", &[]),
            ("**18**", &[18.0]),
        ];
        for (text, want) in table {
            assert_eq!(values(text), want, "{text}");
        }
    }

    #[test]
    fn a_percent_sign_is_seen() {
        for text in ["45%", "45 %", r"45\%"] {
            assert_eq!(numbers(text), [Number { value: 45.0, percent: true }], "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_number_is_read(value in -1e12..1e12_f64) {
            prop_assert_eq!(values(&format!("It is {value} then")), [value]);
            prop_assert_eq!(values(&format!("It is {value:e} then")), [value]);
        }

        #[test]
        fn commas_do_not_matter(thousands in 1..1000_u32, rest in 0..1000_u32) {
            let want = f64::from(thousands * 1000 + rest);
            prop_assert_eq!(values(&format!("{thousands},{rest:03}")), [want]);
        }

        #[test]
        fn no_text_is_too_odd(text in any::<String>()) {
            prop_assert!(numbers(&text).iter().all(|number| number.value.is_finite()));
        }
    }
}
