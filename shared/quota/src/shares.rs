//! Concurrency of the fleet and of a run, without clock or I/O.

/// Returns the number of calls that all `executors` together may have in flight: the stated limit, or else `default`
/// for each of them. At least one executor is counted, because one may be about to start.
pub fn fleet_concurrency(stated: Option<u32>, default: u32, executors: usize) -> u32 {
    stated.unwrap_or_else(|| default.saturating_mul(u32::try_from(executors.max(1)).unwrap_or(u32::MAX)))
}

/// Returns the number of calls of one run that can be in flight: the fleet's, or fewer if the run limits itself, and
/// at least one.
pub fn run_concurrency(fleet: u32, of_run: Option<u32>) -> u32 {
    of_run.map_or(fleet, |own| own.min(fleet)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_limit_is_the_fleets_and_a_default_is_each_executors() {
        for (stated, executors, want) in [(Some(8), 0, 8), (Some(8), 3, 8), (None, 0, 64), (None, 3, 192)] {
            assert_eq!(fleet_concurrency(stated, 64, executors), want, "{stated:?} {executors}");
        }
        assert_eq!(fleet_concurrency(None, u32::MAX, usize::MAX), u32::MAX);
    }

    #[test]
    fn the_smallest_limit_holds() {
        for (fleet, of_run, want) in [(64, None, 64), (8, Some(2), 2), (64, Some(99), 64), (0, None, 1)] {
            assert_eq!(run_concurrency(fleet, of_run), want, "{fleet} {of_run:?}");
        }
    }
}
