//! The search for the highest value that the provider accepts, of either limit.

use std::time::Duration;

use runmill_proto::lease::Search;

pub(super) const WAIT_MIN: u32 = 10;
pub(super) const WAIT_MAX: u32 = 600;
/// Number of trials in a row after a refusal whose raises do not grow.
const CAREFUL: u32 = 1;
/// Number of trials in a row that must pass before the next ones follow fast again.
const PASSED_FOR_FAST: u32 = 3;

/// Returns a search that begins at `value` and doubles it while nothing is refused.
pub(super) fn fast(value: f64) -> Search {
    Search { good: value, stride: value, wait_seconds: WAIT_MIN, passed: CAREFUL, ..Search::default() }
}

/// Returns a search that begins at `value`, near the limit, with raises of `unit` that double.
pub(super) fn careful(value: f64, unit: f64, wait_seconds: u32) -> Search {
    Search { good: value, stride: unit, wait_seconds, ..Search::default() }
}

/// Returns the next value to try after `present`, or `None` if it is too early. A refused value is approached in
/// halves of the rest. Once it is `unit` away, it is itself tried again after the search's wait.
pub(super) fn raise(search: &mut Search, present: f64, unit: f64, waited: Duration) -> Option<f64> {
    let next = match search.bad {
        Some(bad) if bad - present > 1.5 * unit => f64::midpoint(present, bad),
        Some(_) if waited < Duration::from_secs(search.wait_seconds.into()) => return None,
        Some(_) => present + unit,
        None => present + search.stride.clamp(unit, present.max(unit)),
    };
    search.good = present;
    search.on_trial = true;
    Some(next)
}

/// Notes that `present` was used for long enough without a refusal.
pub(super) fn pass(search: &mut Search, present: f64, unit: f64) {
    search.on_trial = false;
    search.good = present;
    search.passed += 1;
    search.stride = if search.passed > CAREFUL { 2.0 * search.stride } else { search.stride }.max(unit);
    if search.bad.is_some_and(|bad| bad <= present + unit / 2.0) {
        search.bad = None;
        search.stride = unit;
    }
    if search.passed >= PASSED_FOR_FAST {
        search.wait_seconds = WAIT_MIN;
    }
}

/// Notes that `present` was refused while it was on trial. Returns the value before it.
pub(super) fn fail(search: &mut Search, present: f64, unit: f64) -> f64 {
    if present - search.good <= 1.5 * unit {
        search.wait_seconds = (2 * search.wait_seconds).clamp(WAIT_MIN, WAIT_MAX);
    }
    retreat(search, present, search.good, unit)
}

/// Notes that `present` was refused after it had been good: the limit is lower now. Returns `lower`.
pub(super) fn retreat(search: &mut Search, present: f64, lower: f64, unit: f64) -> f64 {
    *search = Search {
        good: lower,
        bad: Some(present),
        stride: unit,
        on_trial: false,
        wait_seconds: search.wait_seconds.max(WAIT_MIN),
        passed: 0,
    };
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: Duration = Duration::from_hours(1);

    /// Returns the values that are tried one after the other if those above `limit` are refused.
    fn tried(mut search: Search, mut present: f64, limit: f64, waited: Duration) -> Vec<f64> {
        let mut values = Vec::new();
        while let Some(next) = raise(&mut search, present, 1.0, waited).filter(|_| values.len() < 12) {
            values.push(next);
            if next > limit {
                present = fail(&mut search, next, 1.0);
            } else {
                present = next;
                pass(&mut search, next, 1.0);
            }
        }
        values
    }

    #[test]
    fn values_double_until_one_is_refused_and_then_the_rest_is_halved() {
        let values = tried(fast(8.0), 8.0, 41.0, Duration::ZERO);

        assert_eq!(values, [16.0, 32.0, 64.0, 48.0, 40.0, 44.0, 42.0, 41.0]);
    }

    #[test]
    fn near_the_limit_raises_are_small_at_first() {
        let values = tried(careful(8.0, 1.0, WAIT_MIN), 8.0, 100.0, Duration::ZERO);

        assert_eq!(values[..5], [9.0, 10.0, 12.0, 16.0, 24.0]);
    }

    #[test]
    fn a_refused_value_is_tried_ever_more_rarely() {
        let mut search = Search { bad: Some(9.0), ..careful(8.0, 1.0, WAIT_MIN) };
        for want in [20, 40, 80, 160, 320, 600, 600] {
            assert_eq!(raise(&mut search, 8.0, 1.0, Duration::from_secs(9)), None);
            assert_eq!(raise(&mut search, 8.0, 1.0, ENOUGH), Some(9.0));
            assert!((fail(&mut search, 9.0, 1.0) - 8.0).abs() < 1e-9);
            assert_eq!(search.wait_seconds, want);
        }
    }
}
