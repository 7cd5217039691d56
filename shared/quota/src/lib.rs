//! Limits on calls to a provider.
//!
//! A [`Lane`] admits attempts within one provider's limits in this process, which others set. [`Lanes`] keeps one for
//! each provider. The arithmetic of the shares of executors and runs is in `shares`, without clock or I/O, and that of the
//! shares that executors lease in [`lease`]. A [`RetryBudget`] bounds retries.

mod gate;
mod lane;
mod lanes;
pub mod lease;
mod retry_budget;
mod shares;
mod tokens;

pub use lane::{Admission, Ask, Closed, Lane};
pub use lanes::Lanes;
pub use retry_budget::RetryBudget;
pub use shares::{fleet_concurrency, run_concurrency};
pub use tokens::TokenCount;
