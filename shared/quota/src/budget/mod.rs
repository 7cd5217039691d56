//! Budgets of runs and of providers' days.
//!
//! A budget is in the store. Each executor takes slices of it into a *purse*, from which its calls
//! reserve an estimate before they start and settle their use when they end. So a call costs the store nothing, and all
//! executors together use at most the budget, and what the calls in flight use beyond their estimates.

mod key;
mod purse;
mod purses;
mod reservation;

pub use key::{BudgetKey, BudgetOwner, BudgetUnit};
pub use purses::{Draw, Purses, SliceAsk, UsedUp};
pub use reservation::{CallUse, Reservation};
