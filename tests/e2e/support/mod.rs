//! Parts of the end-to-end tests: processes, clients of the API, model servers.

pub mod api;
pub mod calls;
pub mod cluster;
pub mod counters;
pub mod data;
pub mod firewall;
pub mod frames;
pub mod process;
pub mod recorder;
pub mod release;
pub mod sandbox;
pub mod sink;
pub mod sse;

pub use api::Api;
pub use calls::calls_by_job;
pub use cluster::{Cluster, LOG_PARTITIONS, Plan};
pub use counters::assert_counters_equal_rows;
pub use firewall::Firewall;
pub use frames::{Frame, Frames};
pub use process::{Command, Process};
pub use release::Release;
pub use sandbox::Sandbox;
pub use sink::Sink;

use std::time::Duration;

/// Longest time that a test waits for anything.
pub const WAIT_MAX: Duration = Duration::from_mins(2);

/// Returns the output of `wait`. Fails with `what` after [`WAIT_MAX`].
pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT_MAX, wait)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come within {WAIT_MAX:?}"))
}

/// Interval of polling a state that has no event for its changes.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until `holds` returns true. It is meant for states without events, such as the counters of a gateway.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    within(what, async {
        while !holds().await {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    })
    .await;
}
