use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use runmill_quota::budget::SliceAsk;
use runmill_store::{Budgets, Slice, StoreError};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::environment::Environment;

/// Interval of the exchanges.
const EVERY: Duration = Duration::from_secs(1);
/// Wait before an urgent exchange: calls that begin together ask together.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest time that an exchange may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Interval at which budgets that are long unused are deleted.
const FORGET_EVERY: Duration = Duration::from_hours(1);
/// Time after which a budget is long unused. No day ends later in any time zone. The budget of a run then begins anew with
/// what its calls have used.
const UNUSED_FOR: SignedDuration = SignedDuration::from_hours(72);

/// Takes slices of budgets from the store for the calls of this executor, and gives back what they do not use.
pub struct BudgetKeeper {
    pub environment: Arc<Environment>,
    /// Cancelled when the last job has ended.
    pub drained: CancellationToken,
}

impl BudgetKeeper {
    /// Exchanges until the last job has ended, and then gives back what is left.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut forgot: Option<Instant> = None;
        while !self.drained.is_cancelled() {
            self.exchange(false).await;
            if forgot.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
                forgot = Some(Instant::now());
                self.forget().await;
            }
            self.wait().await;
        }
        self.exchange(true).await;
        Ok(())
    }

    async fn wait(&self) {
        let soon = async {
            self.environment.budgets.purses.urgent.notified().await;
            sleep(PAUSE).await;
        };
        tokio::select! {
            () = self.drained.cancelled() => {}
            () = sleep(EVERY) => {}
            () = soon => {}
        }
    }

    /// Exchanges once. Without an answer, calls go on with what they have, and wait when it is used up.
    async fn exchange(&self, leaves: bool) {
        let budgets = &self.environment.budgets;
        let asks = budgets.purses.begin_exchange(budgets.executors(), leaves);
        let slices: Vec<_> = asks.iter().map(slice).collect();
        if slices.is_empty() {
            // Limits and days may have changed.
            return budgets.purses.end_exchange(&[], []);
        }
        let taking = Budgets::take(&*self.environment.store, &slices, self.now());
        if let Some(taken) = answer(taking).await {
            budgets.purses.end_exchange(&asks, taken.iter().map(|taken| (taken.granted, taken.taken)));
        }
    }

    async fn forget(&self) {
        answer(Budgets::forget_budgets(&*self.environment.store, self.now() - UNUSED_FOR)).await;
    }

    fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }
}

fn slice(ask: &SliceAsk) -> Slice {
    Slice {
        key: ask.key.to_string(),
        limit: ask.limit,
        used_before: ask.used_before,
        spent: ask.spent(),
        wanted: ask.wanted(),
    }
}

/// Returns the store's answer, or logs that there is none.
async fn answer<T>(asking: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    let error = match timeout(TIMEOUT, asking).await {
        Ok(Ok(answer)) => return Some(answer),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store did not answer in time".to_owned(),
    };
    tracing::warn!(event = "executor.budgets_failed", %error);
    None
}
