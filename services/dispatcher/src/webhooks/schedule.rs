use std::time::Duration;

use jiff::Timestamp;
use runmill_store::WebhookRow;

/// Shortest and longest wait between two attempts. It doubles in between.
const WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_hours(1));
/// Time from the first attempt to the last.
const TRIED_FOR: Duration = Duration::from_hours(24);

/// Returns the webhook after an attempt that began at `began` and ended at `now`.
///
/// * `fraction`: a random number from 0 to 1, by which the wait is shortened, at most by a quarter: webhooks of one host
///   that failed together are not tried again together.
pub fn after(
    mut row: WebhookRow,
    done: Result<(), String>,
    began: Timestamp,
    now: Timestamp,
    fraction: f64,
) -> WebhookRow {
    row.attempts = row.attempts.saturating_add(1);
    let first_at = *row.first_at.get_or_insert(began);
    row.last_error = done.err();
    if row.last_error.is_none() {
        row.delivered_at = Some(now);
        return row;
    }
    let until = first_at.saturating_add(TRIED_FOR).unwrap_or(Timestamp::MAX);
    match now.saturating_add(wait(row.attempts, fraction)) {
        Ok(due_at) if due_at <= until => row.due_at = due_at,
        _ => row.abandoned_at = Some(now),
    }
    row
}

/// Returns the wait after the failed attempt number `attempt`, counted from 1.
fn wait(attempt: u32, fraction: f64) -> Duration {
    let (shortest, longest) = WAITS;
    let doublings = attempt.saturating_sub(1).min(16);
    shortest.saturating_mul(1 << doublings).min(longest).mul_f64(1.0 - fraction.clamp(0.0, 1.0) / 4.0)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use runmill_proto::RunId;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn row() -> WebhookRow {
        WebhookRow::new(RunId::from_uuid(Uuid::nil()), "https://host/".into(), at(0))
    }

    #[test]
    fn a_request_that_is_taken_is_the_last() {
        let failed = after(row(), Err("status 500".into()), at(9), at(10), 0.0);
        let taken = after(failed, Ok(()), at(20), at(21), 0.0);
        let want = WebhookRow {
            attempts: 2,
            first_at: Some(at(9)),
            due_at: at(15),
            delivered_at: Some(at(21)),
            ..row()
        };
        assert_eq!(taken, want);
    }

    #[test]
    fn waits_double_up_to_an_hour_and_are_shortened_by_at_most_a_quarter() {
        let seconds = |attempt, fraction| wait(attempt, fraction).as_secs_f64();
        for (attempt, want) in [(1, 5.0), (2, 10.0), (10, 2_560.0), (11, 3_600.0), (u32::MAX, 3_600.0)] {
            assert!((seconds(attempt, 0.0) - want).abs() < 1e-6, "{attempt}");
            assert!((seconds(attempt, 1.0) - want * 0.75).abs() < 1e-6, "{attempt}");
        }
    }

    #[test]
    fn after_a_day_no_further_attempt_is_made() {
        let (mut row, began) = (row(), at(100));
        let mut now = began;
        while row.abandoned_at.is_none() {
            row = after(row, Err("status 500".into()), now, now, 0.0);
            let waited = now.duration_until(row.due_at);
            assert!(row.abandoned_at.is_some() || waited <= SignedDuration::from_hours(1));
            now = if row.abandoned_at.is_some() { now } else { row.due_at };
        }
        let lasted = began.duration_until(now);
        assert!(
            lasted <= SignedDuration::from_hours(24) && lasted > SignedDuration::from_hours(22),
            "{lasted:?}"
        );
        assert_eq!((row.attempts, row.delivered_at), (33, None));
    }
}
