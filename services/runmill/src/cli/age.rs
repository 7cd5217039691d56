use std::{fmt, str::FromStr, time::Duration};

use jiff::Timestamp;
use runmill_proto::Range;

/// Age of runs, as in `90d` or `12h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    number: u64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Days,
    Hours,
}

/// Fault of an age on the command line.
#[derive(Debug, thiserror::Error)]
#[error("must be a number of days or hours, as 90d or 12h, and at most 36500d")]
pub struct AgeFault;

const HOURS: Range<u64> = Range::new(0, 36_500 * 24);

impl Age {
    /// Returns the time at which what is now of this age was made.
    pub fn before(self, now: Timestamp) -> Timestamp {
        now.checked_sub(Duration::from_hours(self.hours())).unwrap_or(Timestamp::MIN)
    }

    const fn hours(self) -> u64 {
        match self.unit {
            Unit::Days => self.number.saturating_mul(24),
            Unit::Hours => self.number,
        }
    }
}

impl FromStr for Age {
    type Err = AgeFault;

    fn from_str(text: &str) -> Result<Self, AgeFault> {
        let (number, unit) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => (days, Unit::Days),
            (None, Some(hours)) => (hours, Unit::Hours),
            (None, None) => return Err(AgeFault),
        };
        let age = Self { number: HOURS.parse(number).map_err(|_| AgeFault)?, unit };
        if HOURS.contains(age.hours()) { Ok(age) } else { Err(AgeFault) }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Days => 'd',
            Unit::Hours => 'h',
        };
        write!(f, "{}{unit}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_of_days_or_hours() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        for (text, want) in [
            ("90d", "2025-12-31T12:00:00Z"),
            ("12h", "2026-03-31T00:00:00Z"),
            ("0d", "2026-03-31T12:00:00Z"),
            ("36500d", "1926-04-25T12:00:00Z"),
        ] {
            let age: Age = text.parse().unwrap();
            assert_eq!((age.before(now).to_string(), age.to_string()), (want.to_owned(), text.to_owned()));
        }
        for text in ["", "90", "d", "-1d", "1.5d", "90 d", "3m", "36501d", "99999999999999999999h"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
