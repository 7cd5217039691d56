//! Shares of executors in the limits of providers. It is pure: times are arguments, and nothing waits or reads.
//!
//! Each limit is divided into equal *slots* ([`Limit`]). With each exchange, an executor reads the shares of all others
//! and [plans](plan) its own. The store accepts a plan that grows only if it was made from the newest decision, so the
//! slots that all hold together never exceed the limit; `model` searches for a sequence of events that breaks this.

mod counted;
#[cfg(test)]
mod model;
mod plan;
mod seats;
mod slots;
#[cfg(test)]
mod tests;

pub use counted::{Other, State};
pub use plan::{Limits, Plan, plan};
pub use slots::{Limit, Pace, Stated};
