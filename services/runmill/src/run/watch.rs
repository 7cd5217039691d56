use std::{future::Future, time::Duration};

use runmill_proto::{RunId, api::Run};
use tokio::time::{Instant, sleep};

use super::{
    progress_display::ProgressDisplay,
    waiting::{in_queue, wait_message},
};
use crate::client::{Client, ClientError};

/// Interval of updates. At this rate they look continuous.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Longest time that a server may be unreachable before the command fails.
const UNREACHABLE_MAX: Duration = Duration::from_secs(30);

/// Result of [`watch`].
pub enum Watched<S> {
    /// The run has ended, or is paused until someone resumes it.
    Ended(Box<Run>),
    /// The caller stopped watching, for this reason.
    Stopped(S),
}

/// Shows the run's progress until the run or `stop` ends.
pub async fn watch<S>(
    client: &Client,
    id: RunId,
    quiet: bool,
    stop: impl Future<Output = S>,
) -> anyhow::Result<Watched<S>> {
    let mut progress = ProgressDisplay::new(quiet);
    tokio::pin!(stop);
    let watched = tokio::select! {
        reason = &mut stop => Watched::Stopped(reason),
        run = follow(client, id, &mut progress) => Watched::Ended(Box::new(run?)),
    };
    progress.finish();
    Ok(watched)
}

async fn follow(client: &Client, id: RunId, progress: &mut ProgressDisplay) -> Result<Run, ClientError> {
    let mut answered = Instant::now();
    let mut told = None;
    loop {
        match client.run(id).await {
            Ok(run) => {
                answered = Instant::now();
                progress.show(&run);
                if run.status.is_terminal() || is_at_rest(&run) {
                    return Ok(run);
                }
                // A wait is told once, and again when another reason or the end of another pause comes.
                let reason = (run.resume_at, run.pause_reason.clone().or_else(|| run.retry_reason.clone()));
                if let Some(text) = wait_message(&run).filter(|_| told.as_ref() != Some(&reason)) {
                    progress.print(&text);
                    told = Some(reason);
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
    run.paused_at.is_some() && run.resume_at.is_none() && in_queue(run) == 0
}
