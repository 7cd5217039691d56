//! What journeys are made of: processes, the API, a model.

pub mod api;
pub mod calls;
pub mod cluster;
pub mod counters;
pub mod data;
pub mod desk;
pub mod frames;
pub mod process;
pub mod recorder;
pub mod sse;

pub use api::Api;
pub use calls::calls_by_job;
pub use cluster::{Cluster, LOG_PARTITIONS, Plan};
pub use counters::assert_counters_equal_rows;
pub use desk::Desk;
pub use frames::{Frame, Frames};
pub use process::{Command, Process};

use std::time::Duration;

/// The longest that anything here is waited for. A test that needs longer has hung.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// `wait`, or a failure that names `what` did not come.
pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// Between two looks at what tells nobody that it changed.
pub const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Waits until `holds`: for what has no event to wait for, as the counters of a gateway.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
}
