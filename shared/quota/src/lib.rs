//! Limits on calls to a provider.
//!
//! A [`Gate`] holds a lane's concurrency in this process, and knows nothing of who sets its limit. A
//! [`RetryBudget`] bounds what is asked again.

mod gate;
mod retry_budget;

pub use gate::{Gate, Permit};
pub use retry_budget::RetryBudget;
