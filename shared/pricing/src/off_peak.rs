use jiff::Timestamp;

use crate::{rates::Rates, terms::Hours};

/// Prices that hold at some hours. They replace all other prices, also those of tiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffPeak {
    pub windows: Vec<Window>,
    /// Hours that are added to UTC to know the day of the week.
    pub utc_offset_hours: i64,
    pub rates: Rates,
}

/// Hours of a day, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Days on which the hours count, from Monday.
    pub days: [bool; 7],
    /// First minute of the window after midnight.
    pub from: i64,
    /// First minute after the window. If it is not after `from`, the window goes on past midnight.
    pub to: i64,
}

const DAY_S: i64 = 24 * 60 * 60;
/// Day of the week of the first day of Unix time, a Thursday, counted from Monday.
const FIRST_DAY: i64 = 3;

impl OffPeak {
    pub fn holds(&self, hours: Hours) -> bool {
        match hours {
            Hours::Peak => false,
            Hours::OffPeak => true,
            Hours::At(time) => self.contains(time),
        }
    }

    fn contains(&self, time: Timestamp) -> bool {
        let seconds = time.as_second();
        let minute = seconds.rem_euclid(DAY_S) / 60;
        let local_day = (seconds + self.utc_offset_hours * 3_600).div_euclid(DAY_S);
        let weekday = usize::try_from((local_day + FIRST_DAY).rem_euclid(7)).unwrap_or_default();
        self.windows.iter().any(|window| window.days[weekday] && window.contains(minute))
    }
}

impl Window {
    const fn contains(&self, minute: i64) -> bool {
        if self.from < self.to {
            self.from <= minute && minute < self.to
        } else {
            minute >= self.from || minute < self.to
        }
    }
}
