//! How services are put together: each alone over a cluster's servers, or all in one process.

mod cluster;
mod parts;
mod secrets;
pub mod standalone;

pub use cluster::{dispatcher, executor, log_sink};
pub use parts::{connect_broker, connect_store};
pub use standalone::serve;
