use std::time::Duration;

use runmill_proto::{Texts, message::JobKey};
use runmill_store::{AnswerHashes, JobPlace, RunRow, StoreError, UnindexedRun};
use tokio::time::sleep;

use super::{EarlierAnswers, State, hashes};

/// Number of answers that one step adds to the index.
const PAGE: u32 = 1_000;
/// Pause after a failure.
const RETRY_PERIOD: Duration = Duration::from_secs(1);

impl EarlierAnswers {
    /// Indexes answers for the runs that wait for them, until it is dropped. The leader runs it. The next one goes on where the
    /// index ends.
    pub async fn index(self) {
        loop {
            let waiting = self.waiting();
            if waiting.is_empty() {
                self.waits.notified().await;
            }
            // A step for each, so that no run waits for the whole index of another.
            for run in waiting {
                match self.step(&run).await {
                    Ok(true) => self.set_ready(&run),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(event = "reuse.failed", run_id = %run.id, %error);
                        sleep(RETRY_PERIOD).await;
                    }
                }
            }
        }
    }

    fn waiting(&self) -> Vec<RunRow> {
        let runs = self.lock();
        let waiting = runs.values().filter_map(|state| match state {
            State::Waiting(run) => Some((**run).clone()),
            State::Ready => None,
        });
        waiting.collect()
    }

    pub(super) fn set_ready(&self, run: &RunRow) {
        if let Some(state) = self.lock().get_mut(&run.id) {
            *state = State::Ready;
        }
        tracing::info!(event = "reuse.ready", run_id = %run.id);
        self.wake.notify_one();
    }

    /// Indexes a page of the earlier answers for a run. Returns true if there are no more.
    pub(super) async fn step(&self, run: &RunRow) -> Result<bool, StoreError> {
        let Some(earlier) = self.store.unindexed_runs(run, 1).await?.pop() else { return Ok(true) };
        let Some(part) = self.part(&earlier).await? else { return Ok(false) };
        match self.store.index_answers(&part).await {
            // It was removed or goes on, and is looked at again when it has ended.
            Err(StoreError::Conflict(reason)) => tracing::debug!(event = "reuse.gone", reason),
            added => added?,
        }
        Ok(false)
    }

    /// Returns the next page of a run's answers.
    async fn part(
        &self,
        UnindexedRun { run, after }: &UnindexedRun,
    ) -> Result<Option<AnswerHashes>, StoreError> {
        let Some(ended_at) = run.finished_at else { return Ok(None) };
        let places = self.places(run, *after).await?;
        Ok(Some(AnswerHashes {
            run_id: run.id,
            ended_at,
            hashes: hashes::of(&*self.store, run, &places).await?,
            after: places.last().copied().or(*after),
            is_done: places.len() < PAGE as usize,
        }))
    }

    async fn places(&self, run: &RunRow, after: Option<JobPlace>) -> Result<Vec<JobPlace>, StoreError> {
        // A hash that is stored instead of a text is no answer.
        if run.submission.config.stored_job().texts != Texts::All {
            return Ok(Vec::new());
        }
        let after = after.map(|(ordinal, sample)| JobKey { run_id: run.id, ordinal, sample });
        self.store.answer_places(run.id, after, PAGE).await
    }
}
