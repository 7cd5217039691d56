use std::{future::Future, time::Duration};

use runmill_proto::{RunId, api::Run};
use tokio::time::{Instant, sleep};

use super::progress::Progress;
use crate::client::{Client, ClientError};

/// As often as an eye wants it.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a server may be away before we give up on it.
const AWAY_MAX: Duration = Duration::from_secs(30);

/// How the watching ended.
pub enum Watched {
    /// The run has ended, or is paused and goes on only when someone resumes it.
    Ended(Box<Run>),
    /// The user, or something that must not be waited for, cut it short.
    CutShort,
}

/// Shows the run's progress until it ends, or `cut` does.
pub async fn watch(
    client: &Client,
    id: RunId,
    quiet: bool,
    cut: impl Future<Output = ()>,
) -> anyhow::Result<Watched> {
    let mut progress = Progress::new(quiet);
    tokio::pin!(cut);
    let watched = tokio::select! {
        () = &mut cut => Watched::CutShort,
        run = follow(client, id, &mut progress) => Watched::Ended(Box::new(run?)),
    };
    progress.finish();
    Ok(watched)
}

async fn follow(client: &Client, id: RunId, progress: &mut Progress) -> Result<Run, ClientError> {
    let mut answered = Instant::now();
    let mut resume_at = None;
    loop {
        match client.run(id).await {
            Ok(run) => {
                answered = Instant::now();
                progress.show(&run);
                if run.status.is_terminal() || stands_still(&run) {
                    return Ok(run);
                }
                if resume_at != run.resume_at {
                    resume_at = run.resume_at;
                    if let Some(text) = wait(&run) {
                        progress.say(&text);
                    }
                }
            }
            Err(error @ ClientError::Unreachable { .. }) if answered.elapsed() < AWAY_MAX => {
                progress.say(&format!("{error}; trying again"));
            }
            Err(error) => return Err(error),
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Whether nothing more happens until someone resumes the run. What was in flight when it was paused still settles.
fn stands_still(run: &Run) -> bool {
    let in_queue = run.counters.fed.saturating_sub(run.counters.settled);
    run.paused_at.is_some() && run.resume_at.is_none() && in_queue <= run.counters.deferred
}

/// Of a run that its provider stopped: until when, and why.
fn wait(run: &Run) -> Option<String> {
    let reason = run.pause_reason.as_deref().unwrap_or("its provider refuses it");
    run.resume_at.map(|time| format!("the run waits until {time:.0}: {reason}"))
}
