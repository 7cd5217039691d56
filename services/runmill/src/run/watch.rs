use std::{future::Future, time::Duration};

use runmill_proto::{RunId, api::Run};
use tokio::time::{Instant, sleep};

use super::{
    Contact,
    limit_watch::LimitWatch,
    progress_display::ProgressDisplay,
    waiting::{Told, in_queue, waits_for_key},
};
use crate::client::{Client, ClientError};

/// Interval of updates. At this rate they look continuous.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// First interval. It is a tenth of the time that the run has taken so far: the end of a short run is not waited for.
const POLL_FIRST: Duration = Duration::from_millis(10);

/// Result of [`watch`].
pub enum Watched<S> {
    /// The run has ended, or is paused until someone resumes it.
    Ended(Box<Run>),
    /// The caller stopped watching, for this reason.
    Stopped(S),
}

/// Options of [`watch`].
#[derive(Clone, Copy, Default)]
pub struct WatchOptions {
    /// Shows no progress.
    pub quiet: bool,
    /// A run that waits for a key which its provider takes is no run at rest.
    pub wait_for_key: bool,
}

/// Shows the run's progress until the run or `stop` ends.
pub async fn watch<S>(
    client: &Client,
    id: RunId,
    options: WatchOptions,
    stop: impl Future<Output = S>,
) -> anyhow::Result<Watched<S>> {
    let mut progress = ProgressDisplay::new(options.quiet);
    tokio::pin!(stop);
    let watched = tokio::select! {
        reason = &mut stop => Watched::Stopped(reason),
        run = follow(client, id, options, &mut progress) => Watched::Ended(Box::new(run?)),
    };
    progress.finish();
    Ok(watched)
}

async fn follow(
    client: &Client,
    id: RunId,
    options: WatchOptions,
    progress: &mut ProgressDisplay,
) -> Result<Run, ClientError> {
    let (mut contact, mut told) = (Contact::default(), Told::default());
    let mut limits = LimitWatch::default();
    let began = Instant::now();
    loop {
        match client.run(id).await {
            Ok(run) => {
                contact.answered().iter().for_each(|text| progress.print(text));
                // While further scorers are at work, nothing else happens.
                let is_over = is_over(&run);
                if is_over || !run.status.is_terminal() {
                    progress.show(&run, limits.look(client, &run).await);
                }
                if is_done(&run, options.wait_for_key) {
                    return Ok(run);
                }
                told.news(&run, options.wait_for_key).iter().for_each(|text| progress.print(text));
            }
            Err(error) => contact.failed(error)?.iter().for_each(|text| progress.print(text)),
        }
        sleep((began.elapsed() / 10).clamp(POLL_FIRST, POLL_INTERVAL)).await;
    }
}

/// Returns true if the run has ended, and its further scorers have scored the answers.
fn is_over(run: &Run) -> bool {
    let is_scored = run.rescoring.is_none() || run.config.further_scorers().is_empty();
    run.status.is_terminal() && is_scored
}

/// Returns true if nothing more comes of the run by itself. With `wait_for_key`, one that lacks a good key is waited for.
pub fn is_done(run: &Run, wait_for_key: bool) -> bool {
    is_over(run) || (is_at_rest(run) && !(wait_for_key && waits_for_key(run)))
}

/// Returns true if the run is paused and makes no progress until someone resumes it. Jobs that were in flight at the
/// pause still settle.
fn is_at_rest(run: &Run) -> bool {
    run.paused_at.is_some() && run.resume_at.is_none() && in_queue(run) == 0
}
