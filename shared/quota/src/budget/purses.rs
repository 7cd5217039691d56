use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{
    BudgetKey, BudgetUnit, CallUse, Reservation,
    key::BudgetOwner,
    purse::{Change, Offer, Purse},
};

/// Slices of all budgets in this executor.
#[derive(Debug, Default)]
pub struct Purses {
    by_key: Mutex<HashMap<BudgetKey, Purse>>,
    /// Wakes the calls that wait.
    changed: Notify,
    /// Notified when a call waits for a slice that the next exchange may bring.
    pub urgent: Notify,
}

/// Budget on which a call draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    pub key: BudgetKey,
    pub limit: u64,
    /// Amount that is known to be used, for a budget that the store does not know yet.
    pub used_before: u64,
    /// Estimated use of the call, for as long as the use of no call is known. `None`: the first call goes alone.
    pub estimate: Option<u64>,
}

/// Error for a call whose budget has nothing left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedUp {
    pub key: BudgetKey,
    pub limit: u64,
    /// True if the budget cannot be kept, because the cost of a call is not known.
    pub is_unknown: bool,
}

/// Request of a purse to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceAsk {
    pub key: BudgetKey,
    pub limit: u64,
    pub used_before: u64,
    change: Change,
}

impl SliceAsk {
    /// Returns the amount that was spent beyond the slices; negative if it comes back unspent.
    pub const fn spent(&self) -> i64 {
        self.change.spent
    }

    pub const fn wanted(&self) -> u64 {
        self.change.wanted
    }
}

impl Purses {
    /// Waits until the call may draw on all of its budgets, and reserves its estimates. `draws` is asked again whenever
    /// something has changed, so that a raised budget helps a call that waits. Returns `None` if there are no budgets.
    ///
    /// Cancel safe: a dropped wait reserves nothing.
    pub async fn reserve(
        self: &Arc<Self>,
        draws: impl Fn() -> Vec<Draw> + Send,
    ) -> Result<Option<Reservation>, UsedUp> {
        loop {
            // It is armed before the purses are read, so that no change is missed.
            let changed = self.changed.notified();
            let draws = draws();
            if draws.is_empty() {
                return Ok(None);
            }
            if let Some(parts) = self.try_reserve(&draws)? {
                return Ok(Some(Reservation::new(self.clone(), parts)));
            }
            changed.await;
        }
    }

    /// Reserves from all budgets or from none. Returns `None` if the call must wait.
    fn try_reserve(&self, draws: &[Draw]) -> Result<Option<Vec<(BudgetKey, u64)>>, UsedUp> {
        let mut purses = self.lock();
        let mut parts = Vec::with_capacity(draws.len());
        let mut is_urgent = false;
        for &Draw { key, limit, used_before, estimate } in draws {
            let purse = purses.entry(key).or_insert_with(|| Purse::new(limit));
            purse.used_before = used_before;
            if purse.is_blind {
                return Err(UsedUp { key, limit, is_unknown: true });
            }
            match purse.offer(limit, estimate) {
                Offer::Starts(amount) => parts.push((key, amount)),
                Offer::Waits => is_urgent |= !purse.is_short,
                Offer::UsedUp => return Err(UsedUp { key, limit, is_unknown: false }),
            }
        }
        if parts.len() < draws.len() {
            if is_urgent {
                self.urgent.notify_one();
            }
            return Ok(None);
        }
        for (key, amount) in &parts {
            if let Some(purse) = purses.get_mut(key) {
                purse.reserve(*amount);
            }
        }
        Ok(Some(parts))
    }

    /// Ends a call that had reserved `parts`.
    pub(super) fn settle(&self, parts: &[(BudgetKey, u64)], used: CallUse) {
        let mut purses = self.lock();
        for &(key, reserved) in parts {
            let Some(purse) = purses.get_mut(&key) else { continue };
            let amount = match key.unit {
                BudgetUnit::Calls => Some(used.calls),
                BudgetUnit::Tokens => used.tokens,
                BudgetUnit::Nanousd => used.nanousd,
            };
            let is_cost = key.unit == BudgetUnit::Nanousd;
            if is_cost && amount.is_none() {
                // A provider's day goes on, with the costs that are known; a run was told that its cost has a bound.
                purse.is_blind |= used.is_answered && matches!(key.owner, BudgetOwner::Run(_));
            }
            let known = if is_cost && used.is_answered { amount.or(Some(0)) } else { amount };
            purse.settle(reserved, known);
            if used.is_answered
                && let Some(amount) = amount
            {
                purse.learn(amount);
            }
        }
        drop(purses);
        self.changed.notify_waiters();
    }

    /// Begins an exchange with the store. `executors` share the budgets. An executor that `leaves` gives back all it has.
    pub fn begin_exchange(&self, executors: u64, leaves: bool) -> Vec<SliceAsk> {
        let mut purses = self.lock();
        purses.retain(|_, purse| !purse.is_spare());
        let asks = purses.iter_mut().filter_map(|(&key, purse)| {
            let change = purse.begin_exchange(executors, leaves)?;
            Some(SliceAsk { key, limit: purse.limit, used_before: purse.used_before, change })
        });
        asks.collect()
    }

    /// Ends an exchange. `answers` has the amounts that were granted to each ask, and that are taken in all.
    pub fn end_exchange(&self, asks: &[SliceAsk], answers: impl IntoIterator<Item = (u64, u64)>) {
        let mut purses = self.lock();
        for (ask, (granted, taken)) in asks.iter().zip(answers) {
            if let Some(purse) = purses.get_mut(&ask.key) {
                purse.end_exchange(ask.change, granted, taken);
            }
        }
        drop(purses);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BudgetKey, Purse>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
