use std::time::Duration;

use super::CallRecord;

/// Highest use that records show. Pass only the calls that count, such as those that were not answered 429.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peaks;

impl Peaks {
    /// Returns the highest number of calls in flight at one time. A call that ends at the microsecond at which another
    /// begins is not in flight together with it.
    pub fn in_flight<'a>(calls: impl IntoIterator<Item = &'a CallRecord>) -> u64 {
        let mut changes: Vec<(i64, bool)> =
            calls.into_iter().flat_map(|call| [(call.in_us, true), (call.out_us, false)]).collect();
        changes.sort_unstable();
        let (mut now, mut most) = (0_u64, 0);
        for (_, begins) in changes {
            now = if begins { now + 1 } else { now.saturating_sub(1) };
            most = most.max(now);
        }
        most
    }

    /// Returns the highest number of calls that began in any half-open window of this length.
    pub fn starts<'a>(calls: impl IntoIterator<Item = &'a CallRecord>, window: Duration) -> u64 {
        most_in(calls.into_iter().map(|call| (call.in_us, 1)).collect(), window)
    }

    /// Returns the most tokens of the calls that began in any half-open window of this length.
    pub fn tokens<'a>(calls: impl IntoIterator<Item = &'a CallRecord>, window: Duration) -> u64 {
        most_in(calls.into_iter().map(|call| (call.in_us, call.tokens)).collect(), window)
    }
}

fn most_in(mut events: Vec<(i64, u64)>, window: Duration) -> u64 {
    events.sort_unstable();
    let window = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
    let (mut first, mut sum, mut most) = (0, 0, 0);
    for &(at, amount) in &events {
        sum += amount;
        while at.saturating_sub(events[first].0) >= window {
            sum -= events[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(times_us: &[(i64, i64, u64)]) -> Vec<CallRecord> {
        let call = |&(in_us, out_us, tokens)| CallRecord {
            seq: 1,
            in_us,
            out_us,
            model: "echo".into(),
            key: "none".into(),
            client_request_id: None,
            status: 200,
            tokens,
            streamed: false,
        };
        times_us.iter().map(call).collect()
    }

    #[test]
    fn calls_that_touch_are_not_in_flight_together() {
        assert_eq!(Peaks::in_flight(&calls(&[])), 0);
        assert_eq!(Peaks::in_flight(&calls(&[(0, 5, 0), (5, 9, 0)])), 1);
        assert_eq!(Peaks::in_flight(&calls(&[(4, 9, 0), (0, 5, 0), (1, 2, 0), (8, 9, 0)])), 2);
    }

    #[test]
    fn the_busiest_window_begins_at_any_call() {
        let calls =
            calls(&[(0, 1, 10), (999_999, 1, 1), (1_000_000, 1, 1), (1_000_001, 1, 1), (1_999_998, 1, 30)]);
        let second = Duration::from_secs(1);

        assert_eq!((Peaks::starts(&calls, second), Peaks::tokens(&calls, second)), (4, 33));
        assert_eq!(Peaks::starts(&calls, Duration::MAX), 5);
    }
}
