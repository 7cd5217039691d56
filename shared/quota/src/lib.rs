//! Limits on calls to a provider.
//!
//! A [`Lane`] admits attempts within one provider's limits in this process, and knows nothing of who sets them;
//! [`Lanes`] keeps one for each provider. The arithmetic of who may have how much is in `shares`, without clock or I/O. A
//! [`RetryBudget`] bounds retries.

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
