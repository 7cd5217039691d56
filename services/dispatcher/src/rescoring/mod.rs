//! Scores the stored answers of ended runs anew, by another scorer and without any call.
//!
//! The leader works through the answers page by page, and notes in the run how far it is, so that the next leader goes on
//! there. Only the sums are stored: [`score`] gives an answer the same score again whenever somebody reads it.

mod answers;
#[cfg(test)]
mod tests;
mod version;

use std::{sync::Arc, time::Duration};

use runmill_proto::{RunId, message::JobKey};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, Rescoring, RunRow, StoreError, StoredAnswer, Transition};
use tokio::time::{Instant, sleep};

pub use answers::{Scored, score};
pub use version::Version;

/// Number of answers that one step reads and scores.
const PAGE: u32 = 2_000;
/// Interval in which the progress is noted.
const NOTED_EVERY: Duration = Duration::from_secs(1);
/// Interval of the looks for runs, and the pause after a failure.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Number of runs that are read at once. They are worked through one after the other.
const RUNS: u32 = 10;

/// Scores runs anew. The leader runs it.
#[derive(Clone)]
pub struct Rescorer {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
}

/// Makes the scores of one run that were asked for, for a process without a leader.
///
/// # Errors
///
/// [`StoreError::Conflict`] if another process is at work, or other scores were asked for meanwhile.
pub async fn rescore(store: Arc<dyn DispatcherStore>, clock: Clock, id: RunId) -> Result<(), StoreError> {
    let run = store.run(id).await?;
    Rescorer { store, clock }.rescore(&run).await
}

impl Rescorer {
    /// Works until it is dropped. The next leader goes on where the progress was noted last.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.pass().await {
                tracing::warn!(event = "rescoring.failed", %error);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Scores each run that is to be scored. One that fails is tried again in a later pass, and keeps up no other.
    async fn pass(&self) -> Result<(), StoreError> {
        for run in self.store.rescoring_runs(RUNS).await? {
            match self.rescore(&run).await {
                Ok(()) => {}
                // Somebody has asked for another scorer, or another leader is at work.
                Err(StoreError::Conflict(reason)) => tracing::debug!(event = "rescoring.begins_anew", reason),
                Err(error) => tracing::warn!(event = "rescoring.failed", run_id = %run.id, %error),
            }
        }
        Ok(())
    }

    /// Makes the scores of a run that were asked for, if there are some.
    async fn rescore(&self, run: &RunRow) -> Result<(), StoreError> {
        let Some(mut rescoring) = run.rescoring.clone() else { return Ok(()) };
        let (mut noted, mut noted_at) = (rescoring.after, Instant::now());
        loop {
            let page = self.page(run, &rescoring).await?;
            let is_done = page.len() < PAGE as usize;
            self.count(run, &mut rescoring, page).await?;
            if is_done || noted_at.elapsed() >= NOTED_EVERY {
                let (from, rescoring) = (noted, Box::new(rescoring.clone()));
                (noted, noted_at) = (rescoring.after, Instant::now());
                let note = Transition::NoteRescoring { rescoring, from, is_done };
                self.store.transition(run.id, note, self.clock.now()).await?;
            }
            if is_done {
                tracing::info!(event = "rescoring.done", run_id = %run.id, answers = rescoring.done);
                return Ok(());
            }
        }
    }

    async fn page(&self, run: &RunRow, rescoring: &Rescoring) -> Result<Vec<StoredAnswer>, StoreError> {
        let key = |(ordinal, sample)| JobKey { run_id: run.id, ordinal, sample };
        self.store.answers(run.id, rescoring.after.map(key), PAGE).await
    }

    async fn count(
        &self,
        run: &RunRow,
        rescoring: &mut Rescoring,
        page: Vec<StoredAnswer>,
    ) -> Result<(), StoreError> {
        let has_samples = run.submission.config.samples() > 1;
        for scored in score(&*self.store, run, rescoring.scoring.clone(), page).await? {
            rescoring.add((scored.ordinal, scored.sample), scored.score.as_ref(), has_samples);
        }
        Ok(())
    }
}
