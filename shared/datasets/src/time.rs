use jiff::{SignedDuration, Timestamp, civil};

use crate::Cell;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Unit in which a file counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    const fn per_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }

    fn duration(self, value: i64) -> SignedDuration {
        let (seconds, rest) = (value.div_euclid(self.per_second()), value.rem_euclid(self.per_second()));
        let nanos = rest * (Self::Nanos.per_second() / self.per_second());
        SignedDuration::from_secs(seconds) + SignedDuration::from_nanos(nanos)
    }
}

/// Returns a date in ISO 8601.
///
/// * `days`: number of days since 1970.
pub fn date(days: i64) -> Cell {
    let seconds = days.checked_mul(DAY_SECONDS).and_then(|seconds| Timestamp::from_second(seconds).ok());
    text(seconds.map(|time| civil(time).date().to_string()), "date")
}

/// Returns a time since 1970 in ISO 8601: with a `Z` if it is one of UTC, and without a zone if its zone is not known.
pub fn timestamp(value: i64, unit: Unit, is_utc: bool) -> Cell {
    let time = Timestamp::from_duration(unit.duration(value)).ok();
    text(time.map(|time| if is_utc { time.to_string() } else { civil(time).to_string() }), "timestamp")
}

/// Returns a time of day in ISO 8601.
pub fn of_day(value: i64, unit: Unit) -> Cell {
    let duration = unit.duration(value);
    let is_of_day = (0..DAY_SECONDS).contains(&duration.as_secs());
    let time = is_of_day.then(|| civil::Time::midnight().checked_add(duration).ok()).flatten();
    text(time.map(|time| time.to_string()), "time")
}

fn civil(time: Timestamp) -> civil::DateTime {
    jiff::tz::Offset::UTC.to_datetime(time)
}

/// Returns the text of a time, or its type if it is out of the range of dates.
fn text(text: Option<String>, kind: &str) -> Cell {
    text.map_or_else(|| Cell::Unread(format!("{kind}, and beyond the year 9999")), Cell::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(cell: &Cell) -> &str {
        cell.scalar().unwrap_or("none")
    }

    #[test]
    fn times_are_iso() {
        assert_eq!(said(&date(20_788)), "2026-12-01");
        assert_eq!(said(&date(-1)), "1969-12-31");
        for (value, unit, want) in [
            (1_796_119_200, Unit::Seconds, "2026-12-01T10:00:00"),
            (1_796_119_200_500, Unit::Millis, "2026-12-01T10:00:00.5"),
            (-1, Unit::Micros, "1969-12-31T23:59:59.999999"),
            (1, Unit::Nanos, "1970-01-01T00:00:00.000000001"),
        ] {
            assert_eq!(said(&timestamp(value, unit, false)), want);
            assert_eq!(said(&timestamp(value, unit, true)), format!("{want}Z"));
        }
        assert_eq!(said(&of_day(36_000_250, Unit::Millis)), "10:00:00.25");
    }

    #[test]
    fn a_time_out_of_all_ranges_is_named() {
        for cell in [date(i64::MAX), date(i64::from(i32::MAX)), timestamp(i64::MIN, Unit::Seconds, true)] {
            assert!(matches!(cell, Cell::Unread(_)), "{cell:?}");
        }
        for value in [-1, DAY_SECONDS, i64::MAX] {
            assert!(matches!(of_day(value, Unit::Seconds), Cell::Unread(_)), "{value}");
        }
    }
}
