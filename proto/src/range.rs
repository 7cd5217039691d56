use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Deserializer};
use serde_json::Number as JsonNumber;

use crate::ConfigFault;

/// Allowed values of a numeric setting, both ends included.
///
/// The one place for the words that a user reads about a number that is out of its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    pub min: T,
    pub max: T,
}

/// A type of numbers that settings have.
pub trait Numeric: Copy + PartialOrd + fmt::Display + Sized {
    /// True for a type without fractions.
    const WHOLE: bool;

    /// The same number, or a value above every [`Range`] if this type cannot hold it.
    fn from_json(number: &JsonNumber) -> Self;
}

impl<T: Numeric> Range<T> {
    pub const fn new(min: T, max: T) -> Self {
        Self { min, max }
    }

    /// Returns false for `NaN`.
    pub fn contains(&self, value: T) -> bool {
        RangeInclusive::new(self.min, self.max).contains(&value)
    }

    /// The nearest allowed value; the largest for `NaN`.
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

    /// Returns a fault if `value` is out of range. An absent value is in range.
    pub fn fault(&self, pointer: impl Into<String>, value: Option<T>) -> Option<ConfigFault> {
        let outside = value.is_some_and(|value| !self.contains(value));
        outside.then(|| ConfigFault { pointer: pointer.into(), detail: self.to_string() })
    }
}

/// The rule as a user reads it behind the name of the setting.
impl<T: Numeric> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, max } = self;
        let kind = if T::WHOLE { "a whole number" } else { "a number" };
        write!(f, "must be {kind} from {min} to {max}")
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => { $(
        impl Numeric for $type {
            const WHOLE: bool = true;

            fn from_json(number: &JsonNumber) -> Self {
                number.as_u64().and_then(|whole| whole.try_into().ok()).unwrap_or(Self::MAX)
            }
        }
    )+ };
}

whole_numbers!(u8, u16, u32, u64, usize);

impl Numeric for f64 {
    const WHOLE: bool = false;

    fn from_json(number: &JsonNumber) -> Self {
        number.as_f64().unwrap_or(Self::INFINITY)
    }
}

/// Reads any JSON number. One that the type cannot hold (negative, a fraction, too large) becomes a value that the
/// setting's range excludes, so that the fault names the range and not a Rust type.
pub(crate) fn number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Numeric,
{
    Ok(T::from_json(&JsonNumber::deserialize(deserializer)?))
}

/// As [`number`], for a setting that may be null or absent.
pub(crate) fn optional_number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Numeric,
{
    let number = Option::<JsonNumber>::deserialize(deserializer)?;
    Ok(number.as_ref().map(T::from_json))
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
    }

    #[test]
    fn a_number_that_the_type_cannot_hold_is_above_every_range() {
        for value in [json!(-1), json!(1.5), json!(5_000_000_000_u64), json!(1e300)] {
            assert_eq!(read::<u32>(&value), u32::MAX, "{value}");
        }
        assert_eq!(read::<u32>(&json!(7)), 7);
        assert_eq!(read::<f64>(&json!(7)).to_string(), "7");
        assert!(number::<_, u32>(&json!("7")).is_err());
    }
}
