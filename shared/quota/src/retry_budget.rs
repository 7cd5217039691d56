use std::sync::{Mutex, MutexGuard};

/// Limits retries to a share of the first attempts, so that a failing provider gets little additional load.
///
/// Each process keeps a budget of its own. If each process keeps its retries below a share of its own first attempts,
/// all of them together do, too, so the limit holds for the whole fleet without communication.
///
/// Source: the retry budget of Finagle and of linkerd.
#[derive(Debug)]
pub struct RetryBudget {
    /// Number of retries that may be made now, in thousandths.
    balance: Mutex<u64>,
}

/// Number of retries that a process may make before any first attempt, so that a short run is not deferred because of
/// its first failure.
const RESERVE: u64 = 10 * RETRY;

/// Maximum number of retries that are saved. Without it, a long time without failures would allow a storm of retries.
const BALANCE_MAX: u64 = 1_000 * RETRY;

const RETRY: u64 = 1_000;

impl Default for RetryBudget {
    fn default() -> Self {
        Self { balance: Mutex::new(RESERVE) }
    }
}

impl RetryBudget {
    /// Adds `percent` of a retry, for the first attempt of a job that has not failed yet.
    pub fn deposit(&self, percent: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and is clamped"
        )]
        let earned = (percent * 10.0).round().max(0.0) as u64;
        let mut balance = self.balance();
        *balance = balance.saturating_add(earned).min(BALANCE_MAX);
    }

    /// Takes a retry from the balance. Returns true if there was one.
    pub fn withdraw(&self) -> bool {
        let mut balance = self.balance();
        let left = balance.checked_sub(RETRY);
        *balance = left.unwrap_or(*balance);
        left.is_some()
    }

    fn balance(&self) -> MutexGuard<'_, u64> {
        self.balance.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the retries that the budget allows to 10,000 calls of which every attempt fails.
    fn retries(budget: &RetryBudget, percent: f64) -> u32 {
        let allowed = (0..10_000).filter(|_| {
            budget.deposit(percent);
            budget.withdraw()
        });
        u32::try_from(allowed.count()).unwrap()
    }

    #[test]
    fn retries_are_a_share_of_first_attempts() {
        assert_eq!(retries(&RetryBudget::default(), 20.0), 2_010);
        assert_eq!(retries(&RetryBudget::default(), 0.0), 10, "the reserve alone");
    }

    #[test]
    fn shares_of_many_processes_add_up_to_the_share_of_all() {
        let fleet: Vec<_> = (0..8).map(|_| RetryBudget::default()).collect();
        let total: u32 = fleet.iter().map(|budget| retries(budget, 20.0)).sum();
        assert_eq!(total, 8 * 2_010);
    }

    #[test]
    fn a_long_time_without_failures_saves_up_only_so_much() {
        let budget = RetryBudget::default();
        (0..1_000_000).for_each(|_| budget.deposit(20.0));

        assert_eq!((0..10_000).filter(|_| budget.withdraw()).count(), 1_000);
    }
}
