use jiff::{SignedDuration, Timestamp};

/// Truncates a time to microseconds, the precision of the databases, so that an event has the same time as its row.
pub fn micros(moment: Timestamp) -> Timestamp {
    let below = i64::from(moment.subsec_nanosecond() % 1_000);
    // The time is truncated towards 1970, so it cannot leave the range.
    moment.saturating_sub(SignedDuration::from_nanos(below)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_microsecond_is_cut_off() {
        for (text, want) in [
            ("2025-10-09T08:53:21.123456789Z", "2025-10-09T08:53:21.123456Z"),
            ("2025-10-09T08:53:21.123456Z", "2025-10-09T08:53:21.123456Z"),
        ] {
            assert_eq!(micros(text.parse().unwrap()).to_string(), want);
        }
        assert!(micros(Timestamp::MAX) <= Timestamp::MAX);
    }
}
