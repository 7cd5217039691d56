use std::{future::Future, time::Duration};

use runmill_proto::{RunId, api::Run};
use tokio::time::{Instant, sleep};

use super::progress_display::ProgressDisplay;
use crate::client::{Client, ClientError};

/// Interval of updates. At this rate they look continuous.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Longest time that a server may be unreachable before the command fails.
const UNREACHABLE_MAX: Duration = Duration::from_secs(30);

/// Result of [`watch`].
pub enum Watched {
    /// The run has ended, or is paused until someone resumes it.
    Ended(Box<Run>),
    /// The caller stopped watching.
    Stopped,
}

/// Shows the run's progress until the run or `stop` ends.
pub async fn watch(
    client: &Client,
    id: RunId,
    quiet: bool,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Watched> {
    let mut progress = ProgressDisplay::new(quiet);
    tokio::pin!(stop);
    let watched = tokio::select! {
        () = &mut stop => Watched::Stopped,
        run = follow(client, id, &mut progress) => Watched::Ended(Box::new(run?)),
    };
    progress.finish();
    Ok(watched)
}

async fn follow(client: &Client, id: RunId, progress: &mut ProgressDisplay) -> Result<Run, ClientError> {
    let mut answered = Instant::now();
    let mut resume_at = None;
    loop {
        match client.run(id).await {
            Ok(run) => {
                answered = Instant::now();
                progress.show(&run);
                if run.status.is_terminal() || is_at_rest(&run) {
                    return Ok(run);
                }
                if resume_at != run.resume_at {
                    resume_at = run.resume_at;
                    if let Some(text) = wait_message(&run) {
                        progress.print(&text);
                    }
                }
            }
            Err(error @ ClientError::Unreachable { .. }) if answered.elapsed() < UNREACHABLE_MAX => {
                progress.print(&format!("{error}; retrying"));
            }
            Err(error) => return Err(error),
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Returns true if the run is paused and makes no progress until someone resumes it. Jobs that were in flight at the
/// pause still settle.
fn is_at_rest(run: &Run) -> bool {
    let in_queue = run.counters.fed.saturating_sub(run.counters.settled);
    run.paused_at.is_some() && run.resume_at.is_none() && in_queue <= run.counters.deferred
}

/// Returns a message with the end and the reason of a pause that ends by itself.
fn wait_message(run: &Run) -> Option<String> {
    let reason = run.pause_reason.as_deref().unwrap_or("its provider refuses calls");
    run.resume_at.map(|time| format!("the run waits until {time:.0}: {reason}"))
}
