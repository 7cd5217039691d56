//! Limits on calls to a provider.
//!
//! A [`Lane`] admits attempts within one provider's limits in this process, which others set. [`Lanes`] keeps one for
//! each provider. The arithmetic of the shares of executors and runs is in `shares`, without clock or I/O. A
//! [`RetryBudget`] bounds retries. [`budget`] has the budgets of runs and of providers' days.

pub mod budget;
mod gate;
mod lane;
mod lanes;
mod retry_budget;
mod shares;
mod tokens;

pub use lane::{Admission, Ask, Closed, Lane};
pub use lanes::Lanes;
pub use retry_budget::RetryBudget;
pub use shares::{fleet_concurrency, run_concurrency};
pub use tokens::TokenCount;
