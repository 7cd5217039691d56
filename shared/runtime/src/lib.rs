//! Parts that every process of runmill has: its clock, the lifecycle of its tasks, its HTTP listeners, and
//! the endpoints for operators.

pub mod http;
mod lifecycle;
pub mod ops;
mod readiness;
mod signal;

pub use lifecycle::{Lifecycle, Shutdown};
pub use readiness::{Readiness, Unready};
pub use runmill_clock::{Clock, ManualClock, ServerClock};
pub use signal::stop_signals;
