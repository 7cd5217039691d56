//! This executor's shares of the providers' limits.
//!
//! Each heartbeat [claims](Keeper::claim) shares, and its answer says what the others have. A [`Lane`](runmill_quota::Lane)
//! admits only what was accepted, and nothing after the lease has ended. The arithmetic is in `runmill_quota`; here are
//! the [limits] of each lane, what this executor [wants], and the [view] of the fleet.

mod keeper;
mod limits;
mod plan;
#[cfg(test)]
mod tests;
mod view;
mod wants;

pub use keeper::{Keeper, Suspect};
