//! Limits on calls to a provider.
//!
//! A [`Gate`] holds a lane's concurrency in this process. It knows nothing of who sets its limit.

mod gate;

pub use gate::{Gate, Permit};
