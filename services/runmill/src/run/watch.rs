use std::{future::Future, time::Duration};

use runmill_proto::{RunId, api::Run};
use tokio::time::sleep;

use super::{
    Contact,
    limit_watch::LimitWatch,
    progress_display::ProgressDisplay,
    waiting::{Told, in_queue},
};
use crate::client::{Client, ClientError};

/// Interval of updates. At this rate they look continuous.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// First interval, which doubles: the end of a short run is not waited for.
const POLL_FIRST: Duration = Duration::from_millis(10);

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
    let (mut contact, mut told) = (Contact::default(), Told::default());
    let mut limits = LimitWatch::default();
    let mut wait = POLL_FIRST;
    loop {
        match client.run(id).await {
            Ok(run) => {
                contact.answered().iter().for_each(|text| progress.print(text));
                // While further scorers are at work, nothing else happens.
                let is_over = is_over(&run);
                if is_over || !run.status.is_terminal() {
                    progress.show(&run, limits.look(client, &run).await);
                }
                if is_over || is_at_rest(&run) {
                    return Ok(run);
                }
                told.news(&run).iter().for_each(|text| progress.print(text));
            }
            Err(error) => contact.failed(error)?.iter().for_each(|text| progress.print(text)),
        }
        sleep(wait).await;
        wait = (wait * 2).min(POLL_INTERVAL);
    }
}

/// Returns true if the run has ended, and its further scorers have scored the answers.
pub fn is_over(run: &Run) -> bool {
    let is_scored = run.rescoring.is_none() || run.config.further_scorers().is_empty();
    run.status.is_terminal() && is_scored
}

/// Returns true if the run is paused and makes no progress until someone resumes it. Jobs that were in flight at the
/// pause still settle.
pub fn is_at_rest(run: &Run) -> bool {
    run.paused_at.is_some() && run.resume_at.is_none() && in_queue(run) == 0
}
