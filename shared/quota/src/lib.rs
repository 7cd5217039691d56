//! Limits on calls to a provider.
//!
//! A [`Lane`] admits attempts within one provider's limits in this process, which others set; its `gate` decides without
//! clock or I/O. [`Lanes`] keeps one for each provider. The arithmetic of the shares that executors lease is in [`lease`],
//! and that of the concurrency of fleet and runs in `shares`. Where a provider states no limits, [`adaptive`] finds them.
//! [`budget`] has the budgets of runs and of providers' days. A [`RetryBudget`] bounds retries.

pub mod adaptive;
pub mod budget;
mod gate;
mod lane;
mod lanes;
pub mod lease;
mod retry_budget;
mod shares;

pub use gate::{Allowance, Class, ScopeUse, Shortage};
pub use lane::{Admission, Ask, Closed, Lane, Outcome, Refusal, Remaining, TokenCount};
pub use lanes::Lanes;
pub use retry_budget::RetryBudget;
pub use shares::{fleet_concurrency, run_concurrency};
