use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::ConfigFault;

/// Allowed values of a numeric setting, both ends included.
///
/// All texts about numbers out of range, which users read, are made here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    pub min: T,
    pub max: T,
}

/// Error for a text that is no number in a [`Range`]. It names the range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutOfRange(String);

/// A number type that a setting can have.
pub trait Numeric: Copy + PartialOrd + FromStr {
    /// True for a type without fractions.
    const WHOLE: bool;
    /// A value above every [`Range`].
    const ABOVE: Self;

    /// Returns `None` for a value that is no number, or a number that this type cannot hold.
    fn from_json(value: &Value) -> Option<Self>;

    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<T: Numeric> Range<T> {
    pub const fn new(min: T, max: T) -> Self {
        Self { min, max }
    }

    /// Returns false for `NaN`.
    pub fn contains(&self, value: T) -> bool {
        RangeInclusive::new(self.min, self.max).contains(&value)
    }

    /// Returns the nearest allowed value; the largest for `NaN`.
    #[must_use]
    pub fn clamp(&self, value: T) -> T {
        if self.contains(value) {
            value
        } else if value < self.min {
            self.min
        } else {
            self.max
        }
    }

    /// Reads a number in this range from the text of a variable, a command line or a query.
    pub fn parse(&self, text: &str) -> Result<T, OutOfRange> {
        let number = text.parse().ok().filter(|number| self.contains(*number));
        number.ok_or_else(|| OutOfRange(self.to_string()))
    }

    /// Returns a fault if `value` is out of range. An absent value is in range.
    pub fn fault(&self, pointer: impl Into<String>, value: Option<T>) -> Option<ConfigFault> {
        let outside = value.is_some_and(|value| !self.contains(value));
        outside.then(|| ConfigFault { pointer: pointer.into(), detail: self.to_string() })
    }
}

/// Writes the rule as a user reads it after the name of the setting.
impl<T: Numeric> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if T::WHOLE { "must be a whole number from " } else { "must be a number from " })?;
        self.min.write(f)?;
        f.write_str(" to ")?;
        self.max.write(f)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => { $(
        impl Numeric for $type {
            const WHOLE: bool = true;
            const ABOVE: Self = Self::MAX;

            fn from_json(value: &Value) -> Option<Self> {
                value.as_u64()?.try_into().ok()
            }

            fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    )+ };
}

whole_numbers!(u8, u16, u32, u64, usize);

impl Numeric for f64 {
    const WHOLE: bool = false;
    const ABOVE: Self = Self::INFINITY;

    fn from_json(value: &Value) -> Option<Self> {
        value.as_f64()
    }

    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A number with more zeros is written in scientific notation, because nobody would count them.
        if self.abs() < 1e16 { write!(f, "{self}") } else { write!(f, "{self:e}") }
    }
}

/// Reads a number from any JSON value. A value that the type cannot hold (negative, a fraction, too large, a text)
/// becomes a number that the setting's range excludes, so that the error names the setting and its range, and not a
/// Rust type.
pub(crate) fn number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Numeric,
{
    Ok(lenient(&Value::deserialize(deserializer)?))
}

/// Like [`number`], for a setting that may be null or absent.
pub(crate) fn optional_number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Numeric,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.as_ref().map(lenient))
}

/// Like [`optional_number`], where null differs from an absent value, which is the default.
#[expect(clippy::option_option, reason = "an absent value and null differ")]
pub(crate) fn nullable_number<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Numeric,
{
    optional_number(deserializer).map(Some)
}

/// Reads a value where null differs from an absent value, which is the default.
#[expect(clippy::option_option, reason = "an absent value and null differ")]
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

fn lenient<T: Numeric>(value: &Value) -> T {
    T::from_json(value).unwrap_or(T::ABOVE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T: Numeric>(value: &serde_json::Value) -> T {
        number(value).unwrap()
    }

    #[test]
    fn a_range_holds_its_ends_and_nothing_else() {
        let range = Range::new(1, 100_u32);
        let inside = [0, 1, 100, 101].map(|value| range.contains(value));
        assert_eq!(inside, [false, true, true, false]);
        assert_eq!([0, 7, 101].map(|value| range.clamp(value)), [1, 7, 100]);

        let range = Range::new(0.5, 2.0);
        assert!(!range.contains(f64::NAN));
        assert_eq!(range.clamp(f64::NAN).total_cmp(&2.0), std::cmp::Ordering::Equal);
    }

    #[test]
    fn the_rule_is_told_in_words() {
        assert_eq!(Range::new(1, 100_u32).to_string(), "must be a whole number from 1 to 100");
        assert_eq!(Range::new(0.001, 86_400.0).to_string(), "must be a number from 0.001 to 86400");
        assert_eq!(Range::new(0.0, 1e300).to_string(), "must be a number from 0 to 1e300");
    }

    #[test]
    fn a_text_is_read_within_the_range_or_the_range_is_told() {
        let range = Range::new(0.5, 2.0);
        assert_eq!(range.parse("2").map(f64::to_bits), Ok(2_f64.to_bits()));
        for text in ["", "x", "0.4", "2.1", "-1", "inf", "NaN", "1e400"] {
            assert_eq!(range.parse(text).unwrap_err().to_string(), range.to_string(), "{text}");
        }
    }

    #[test]
    fn a_number_that_the_type_cannot_hold_is_above_every_range() {
        for value in [json!(-1), json!(1.5), json!(5_000_000_000_u64), json!(1e300), json!("7"), json!([7])] {
            assert_eq!(read::<u32>(&value), u32::MAX, "{value}");
        }
        assert_eq!(read::<f64>(&json!("7")).to_string(), "inf");
        assert_eq!(read::<u32>(&json!(7)), 7);
        assert_eq!(read::<f64>(&json!(7)).to_string(), "7");
    }
}
