//! Waits with a bound, for states that have no event.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

pub const POLL: Duration = Duration::from_millis(100);

/// Waits until `holds` returns true, for at most `longest`.
pub async fn until(
    what: &str,
    longest: Duration,
    mut holds: impl AsyncFnMut() -> bool,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + longest;
    while !holds().await {
        if Instant::now() >= deadline {
            bail!("{what} did not come within {} s", longest.as_secs());
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Lasts for a part of a fault.
pub async fn seconds(count: f64) {
    sleep(Duration::from_secs_f64(count)).await;
}

/// Runs work that blocks its thread, such as the start of a server.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(work).await?)
}
