use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::StoreError;

/// Request for a slice of a budget. All amounts are in the unit of the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Name of the budget. The keys of one request differ.
    pub key: String,
    /// Size of the budget: no more than this is granted in all.
    pub limit: u64,
    /// Amount that counts as taken if the store does not know the budget yet.
    pub used_before: u64,
    /// Amount that was spent beyond the slices so far. It is counted even above the limit. A negative amount comes back
    /// unspent.
    pub spent: i64,
    /// Amount to take.
    pub wanted: u64,
}

/// Answer to a [`Slice`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Amount that is granted: what is wanted, or as much as the budget has left.
    pub granted: u64,
    /// Amount that is taken in all now.
    pub taken: u64,
}

/// Budgets from which executors take slices.
#[async_trait]
pub trait Budgets: Send + Sync {
    /// Takes the slices, and returns the answers in their order. What all processes together are granted never exceeds
    /// the limit.
    async fn take(&self, slices: &[Slice], now: Timestamp) -> Result<Vec<Taken>, StoreError>;

    /// Deletes the budgets from which nothing was taken since `before`, except those of tokens (`tok_...`), which nothing
    /// else tells.
    async fn forget_budgets(&self, before: Timestamp) -> Result<(), StoreError>;
}

/// Reads how much of budgets is taken.
#[async_trait]
pub trait BudgetReader: Send + Sync {
    /// Returns the amounts that are taken of those of the budgets that exist.
    async fn taken(&self, keys: &[String]) -> Result<BTreeMap<String, u64>, StoreError>;
}
