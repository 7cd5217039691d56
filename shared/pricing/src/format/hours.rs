//! Prices at certain hours, in the form that both formats share.

use serde_json::Value;

use crate::{
    FieldFault, PriceTableError,
    fields::Fields,
    off_peak::{OffPeak, Window},
    rates::Rates,
};

pub(super) const FIELDS: [&str; 3] = ["hours_utc", "windows", "weekday_timezone"];
const WINDOW: [&str; 2] = ["hours_utc", "weekdays"];

/// Time zones of weekdays, with their hours ahead of UTC. Zones whose offset changes are not in the list, because they need
/// a database.
const ZONES: [(&str, i64); 2] = [("UTC", 0), ("Asia/Shanghai", 8)];

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads the hours at which `rates` hold.
pub(super) fn read(fields: &Fields, rates: Rates) -> Result<OffPeak, PriceTableError> {
    let mut windows = windows(fields, [true; 7])?;
    for window in fields.list("windows")? {
        window.only(&WINDOW)?;
        windows.extend(self::windows(&window, days(&window)?)?);
    }
    if windows.is_empty() {
        return Err(fields.fault("hours_utc", FieldFault::Missing));
    }
    Ok(OffPeak { windows, utc_offset_hours: offset(fields)?, rates })
}

fn windows(fields: &Fields, days: [bool; 7]) -> Result<Vec<Window>, PriceTableError> {
    let window = |value: &Value| {
        let (from, to) = value.as_str()?.split_once('-')?;
        Some(Window { days, from: minute(from)?, to: minute(to)? })
    };
    let values = fields.values("hours_utc").unwrap_or_default().iter();
    let windows: Option<Vec<_>> = values.map(window).collect();
    windows.ok_or_else(|| fields.fault("hours_utc", FieldFault::NotHours))
}

/// Returns the minute of the day of a time such as `16:30`.
fn minute(time: &str) -> Option<i64> {
    let (hour, minute) = time.trim().split_once(':')?;
    let number = |text: &str, most| text.parse().ok().filter(|number: &i64| (0..most).contains(number));
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

/// Returns the days of a window: all of them, unless the table names some.
fn days(window: &Fields) -> Result<[bool; 7], PriceTableError> {
    let Some(named) = window.values("weekdays") else { return Ok([true; 7]) };
    let mut days = [false; 7];
    for value in named {
        let day = day(value).ok_or_else(|| window.fault("weekdays", FieldFault::NotWeekdays))?;
        days[day] = true;
    }
    Ok(days)
}

/// Returns the place of a day in the week: of a number from 1, or of a name of which at least three letters are there.
fn day(value: &Value) -> Option<usize> {
    if let Some(number) = value.as_u64() {
        return usize::try_from(number).ok()?.checked_sub(1).filter(|day| *day < DAYS.len());
    }
    let name = value.as_str()?.trim().to_ascii_lowercase();
    DAYS.iter().position(|day| name.len() >= 3 && day.starts_with(&name))
}

fn offset(fields: &Fields) -> Result<i64, PriceTableError> {
    let Some(zone) = fields.text("weekday_timezone")? else { return Ok(0) };
    let known = ZONES.iter().find(|(name, _)| *name == zone);
    let fault = || FieldFault::NotAZone { known: ZONES.map(|(name, _)| name).to_vec() };
    known.map(|(_, hours)| *hours).ok_or_else(|| fields.fault("weekday_timezone", fault()))
}
