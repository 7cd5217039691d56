use std::time::Duration;

const DELAY_MIN: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(5);

/// Returns the delay before the next attempt: exponential backoff with jitter, evenly distributed from 100 ms to
/// `min(5 s, 100 ms × 2^failures)`.
///
/// * `failures` — number of failures in a row, from 1 to any number.
/// * `fraction` — position in that range, from 0 to 1: a random number, or a chosen one in tests.
///
/// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog (2015). The range does not begin at
/// zero, so that no process overloads a broker that is starting.
pub(super) fn delay(failures: u32, fraction: f64) -> Duration {
    let ceiling = DELAY_MIN.saturating_mul(1 << failures.min(16)).min(DELAY_MAX);
    DELAY_MIN + ceiling.saturating_sub(DELAY_MIN).mul_f64(fraction.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_five_seconds() {
        for (failures, fraction, millis) in [
            (1, 0.0, 100),
            (1, 1.0, 200),
            (3, 0.5, 450),
            (6, 1.0, 5_000),
            (u32::MAX, 1.0, 5_000),
            (9, 7.0, 5_000),
        ] {
            assert_eq!(delay(failures, fraction), Duration::from_millis(millis), "{failures} {fraction}");
        }
    }
}
