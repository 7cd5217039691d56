use std::time::Duration;

use crate::CallPolicy;

/// Returns the wait before the next attempt: exponential backoff with full jitter, spread evenly from zero to
/// `min(backoff_max, backoff_base x 2^(failures - 1))`.
///
/// * `failures`: number of failed attempts, counted from 1; any number is allowed.
/// * `fraction`: position in that range, `0.0..=1.0`.
///
/// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog (2015).
pub(super) fn delay(policy: &CallPolicy, failures: u32, fraction: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    let ceiling = policy.backoff_base.saturating_mul(1 << doublings).min(policy.backoff_max);
    ceiling.mul_f64(fraction.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layer::scripted::{policy, secs};

    #[test]
    fn the_ceiling_doubles_up_to_its_maximum() {
        let ceilings: Vec<_> = (0..8).map(|failures| delay(&policy(), failures, 1.0)).collect();
        assert_eq!(ceilings, [1, 1, 2, 4, 8, 16, 30, 30].map(secs));
    }

    proptest! {
        #[test]
        fn every_delay_is_within_its_range(failures: u32, fraction: f64) {
            prop_assume!(!fraction.is_nan());
            let policy = policy();
            prop_assert!(delay(&policy, failures, fraction) <= policy.backoff_max);
        }
    }
}
