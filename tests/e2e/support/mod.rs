//! What journeys are made of: processes, the API, a model.

pub mod api;
pub mod cluster;
pub mod data;
pub mod process;
pub mod sse;

pub use api::Api;
pub use cluster::Cluster;
pub use process::{Command, Process};

use std::time::Duration;

/// The longest that anything here is waited for. A test that needs longer has hung.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// `wait`, or a failure that names `what` did not come.
pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}
