//! Reads numbers as people and models write them.

mod numeral;
mod sign;
mod suffix;
mod tex;
mod typography;

use self::suffix::Fraction;
pub(crate) use self::typography::plain_characters;
use crate::text::{head, tail};

/// A number in a plain text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    pub value: f64,
    /// True if a `%` follows the number.
    pub percent: bool,
    /// True if the number is an amount of money.
    pub currency: bool,
    /// Digits and sign of a number that is written as an integer, for integers that `f64` cannot hold.
    pub integer: Option<String>,
    /// Places of the first digit and of the end, in bytes of the plain text.
    pub start: usize,
    pub end: usize,
}

/// Returns `text` without TeX and in plain characters, in which the places of [`Number`]s are counted.
pub(crate) fn plain(text: &str) -> String {
    let plain = typography::plain_characters(text);
    match tex::without_tex(&plain) {
        std::borrow::Cow::Borrowed(_) => plain,
        std::borrow::Cow::Owned(text) => text,
    }
}

/// Returns the numbers of a plain text, in order. Digits inside a word (`H2O`) are not a number.
pub(crate) fn numbers(plain: &str) -> Vec<Number> {
    let is_alone = is_alone(plain);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = next_start(plain, at) {
        let (number, end) = read(plain, start, is_alone);
        found.extend(number);
        at = end;
    }
    found
}

/// Returns the place of the next digit, or of the point before it in `.5`.
fn next_start(plain: &str, from: usize) -> Option<usize> {
    let digit = from + plain[from..].find(|c: char| c.is_ascii_digit())?;
    let before = &plain[from..digit];
    let is_point = before.ends_with('.') && !before.ends_with("..");
    let after_digit =
        plain[..digit].trim_end_matches('.').ends_with(|c: char| c.is_alphanumeric() || c == ')');
    Some(if is_point && !after_digit { digit - 1 } else { digit })
}

/// Reads what begins at `start`. Returns the number, if it is one, and the place after it.
fn read(plain: &str, start: usize, is_alone: bool) -> (Option<Number>, usize) {
    let before = &plain[..start];
    let Some(numeral) = numeral::read(&plain[start..], is_in_brackets(plain, start), is_alone) else {
        return (None, start + skipped(&plain[start..], |c| c.is_ascii_digit() || c == '.'));
    };
    if is_inside_word(before) {
        return (None, start + skipped(&plain[start..], |c| c.is_ascii_digit()));
    }
    let mut end = start + numeral.len;
    let magnitude = magnitude(&plain[start..], &numeral.digits, &mut end, start);
    let value = magnitude.filter(|value| value.is_finite());
    let is_plain_integer = end == start + numeral.len && !numeral.digits.contains('.');
    let after = &plain[end..];
    let negative = sign::is_negative(before, after);
    let number = value.map(|value| Number {
        value: if negative { -value } else { value },
        percent: is_percent(after),
        currency: is_currency(before, after),
        integer: is_plain_integer.then(|| integer(&numeral.digits, negative)),
        start,
        end,
    });
    (number, end)
}

fn skipped(text: &str, inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !inside(c)).unwrap_or(text.len()).max(1)
}

/// Returns the value with all that follows the digits, and moves `end` behind it.
fn magnitude(text: &str, digits: &str, end: &mut usize, start: usize) -> Option<f64> {
    let rest = &text[*end - start..];
    // Decimal and exponent are parsed together, so that the result is the nearest number to the text.
    let tens = |power: i32| format!("{digits}e{power}").parse::<f64>().ok();
    let plain = || digits.parse::<f64>().ok();
    if let Some((power, len)) = suffix::exponent(rest).or_else(|| suffix::magnitude(rest)) {
        *end += len;
        return tens(power);
    }
    if let Some((power, len)) = suffix::power(rest) {
        *end += len;
        // A power of ten is parsed, for the same reason.
        return if digits == "10" {
            format!("1e{power}").parse().ok()
        } else {
            plain().map(|base| base.powi(power))
        };
    }
    match suffix::fraction(rest).filter(|_| !digits.contains('.')) {
        None => plain(),
        Some((fraction, len)) => {
            *end += len;
            match fraction {
                Fraction::Over(under) => plain().filter(|_| under != 0.0).map(|over| over / under),
                Fraction::And(part) => plain().map(|whole| whole + part),
                Fraction::Date => None,
            }
        }
    }
}

/// Letters without spaces between words (CJK) may stand next to a number, all others make a word of it. So do `^` and
/// `_` after a letter, as in `m^2` and `x_1`, and the sign of a root.
fn is_inside_word(before: &str) -> bool {
    const FIRST_ASIAN: char = '\u{e00}';
    let is_letter = |c: char| c.is_alphabetic() && c < FIRST_ASIAN;
    let bare = before.strip_suffix('-').filter(|rest| rest.ends_with('^')).unwrap_or(before);
    match bare.chars().next_back() {
        Some('^' | '√') => true,
        Some('{') => bare.ends_with("√{"),
        Some('_') => {
            bare.trim_end_matches('_').ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '}'))
        }
        Some(c) => is_letter(c),
        None => false,
    }
}

fn is_in_brackets(plain: &str, start: usize) -> bool {
    const NEAR_BYTES: usize = 60;
    let before = tail(&plain[..start], NEAR_BYTES).trim_end();
    let after = head(&plain[start..], NEAR_BYTES);
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',').trim_start();
    before.ends_with(['(', '[']) && after.starts_with([')', ']'])
}

/// Returns true if the text is groups of digits and signs, without a word.
fn is_alone(plain: &str) -> bool {
    let letters = plain.chars().filter(|c| c.is_alphabetic()).count();
    letters == 0 && !plain.trim().contains('\n')
}

fn is_percent(after: &str) -> bool {
    let after = after.trim_start();
    after.starts_with('%')
        || after.starts_with("percent") && !after.starts_with("percentage")
        || after.starts_with("per cent")
}

fn is_currency(before: &str, after: &str) -> bool {
    const WORDS: &[&str] = &["dollar", "USD", "euro", "EUR", "pound", "cents", "€", "元"];
    let after = after.trim_start();
    before.trim_end().ends_with(sign::CURRENCIES) || WORDS.iter().any(|word| after.starts_with(word))
}

fn integer(digits: &str, negative: bool) -> String {
    let digits = digits.trim_start_matches('0');
    match (digits, negative) {
        ("", _) => "0".into(),
        (digits, true) => format!("-{digits}"),
        (digits, false) => digits.into(),
    }
}

#[cfg(test)]
mod tests;
