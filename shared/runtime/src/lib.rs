//! What every process of runmill stands on: its clock, the life of its tasks, and the endpoints for
//! those who operate it.

mod clock;
mod lifecycle;
pub mod ops;
mod readiness;
mod signal;

pub use clock::{Clock, ManualClock};
pub use lifecycle::{Exit, Lifecycle};
pub use readiness::{Readiness, Unready};
pub use signal::stop_signals;
