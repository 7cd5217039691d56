//! Judges of runs' answers. Each judge has a run of its own, whose items are the answers of the judged run.
//!
//! The leader makes these runs, lets them follow what happens to the judged run, and notes their progress there. A judged run
//! ends when its judges have: see [`Transition::NoteJudges`].

mod agreement;
#[cfg(test)]
mod tests;
mod verdicts;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use runmill_proto::{ErrorKind, RunId, RunStatus};
use runmill_store::{CreatedRun, JudgeNote, RunRow, StoreError, Transition};
use tokio::time::sleep;

use crate::run_control::{JUDGED_IS_PAUSED, RunControl};

pub use agreement::agreement;
pub use verdicts::{judged_results, place, verdicts};

/// Interval of the looks at judged runs.
const BUSY_PERIOD: Duration = Duration::from_millis(250);
/// Interval of the looks for judged runs, without any, and the pause after a failure.
const IDLE_PERIOD: Duration = Duration::from_secs(2);
/// Number of judged runs that are followed at once, the oldest first.
const RUNS: u32 = 1_000;

/// Follows the judges. The leader runs it.
#[derive(Clone)]
pub struct Judges {
    pub runs: RunControl,
}

impl Judges {
    /// Works until it is dropped. The next leader goes on with what is stored.
    pub async fn run(self) {
        loop {
            let period = match self.pass().await {
                Ok(0) => IDLE_PERIOD,
                Ok(_) => BUSY_PERIOD,
                Err(error) => {
                    tracing::warn!(event = "judging.failed", %error);
                    IDLE_PERIOD
                }
            };
            sleep(period).await;
        }
    }

    /// Follows the judges of all judged runs. Returns the number of these runs.
    async fn pass(&self) -> Result<usize, StoreError> {
        let runs = self.runs.store.judged_runs(RUNS).await?;
        let count = runs.len();
        for run in runs {
            match self.follow(&run).await {
                Ok(()) => {}
                // Somebody has changed the run meanwhile, so it is looked at again.
                Err(StoreError::Conflict(reason)) => tracing::debug!(event = "judging.changed", reason),
                Err(error) => tracing::warn!(event = "judging.failed", run_id = %run.id, %error),
            }
        }
        Ok(count)
    }

    /// Brings the judges of a run to where they should be, and notes where they are.
    async fn follow(&self, run: &RunRow) -> Result<(), StoreError> {
        let ids: Vec<_> = run.judges.iter().map(|note| note.progress.run_id).collect();
        let rows = self.runs.store.run_rows(&ids).await?;
        let mut rows: HashMap<RunId, RunRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        let is_answered = is_answered(run);
        let (mut judges, mut is_done) = (Vec::with_capacity(ids.len()), is_answered);
        for note in &run.judges {
            let found = rows.remove(&note.progress.run_id);
            let Some(row) = self.existing(run, note, found).await? else {
                judges.push(canceled(note));
                continue;
            };
            let row = self.steer(run, note, row).await?;
            let (note, row) = self.catch_up(run, note, row, is_answered).await?;
            is_done &= row.status.is_terminal();
            judges.push(note.with(&row));
        }
        if judges != run.judges || is_done {
            let note = Transition::NoteJudges { judges, is_done };
            self.runs.store.transition(run.id, note, self.runs.clock.now()).await?;
        }
        Ok(())
    }

    /// Returns the run of a judge, which is made if it was not found. Returns `None` if the judged run was canceled before
    /// that.
    async fn existing(
        &self,
        run: &RunRow,
        note: &JudgeNote,
        found: Option<RunRow>,
    ) -> Result<Option<RunRow>, StoreError> {
        if found.is_some() || is_canceled(run) && !note.is_added {
            return Ok(found);
        }
        let row = run.of_judge(note, self.runs.clock.now());
        let row = match self.runs.store.create_run(&row).await? {
            CreatedRun::New(row) => {
                tracing::info!(event = "judging.begins", run_id = %run.id, judge = %row.id, jobs = row.total);
                row
            }
            CreatedRun::Existing(row) => row,
        };
        self.runs.wake.notify_one();
        Ok(Some(row))
    }

    /// Lets a judge's run follow a cancel, a pause, and further samples of the judged run.
    async fn steer(&self, run: &RunRow, note: &JudgeNote, row: RunRow) -> Result<RunRow, StoreError> {
        let samples = run.submission.config.samples() * note.progress.judge.verdict.orders();
        let paused_by_user = run.pause.as_ref().is_some_and(|pause| pause.cause.is_none());
        let is_over = row.status.is_terminal();
        let follows = row.pause_reason() == Some(JUDGED_IS_PAUSED);
        let transition = if is_canceled(run) && !note.is_added {
            let is_new = !is_over && row.cancel_requested_at.is_none();
            let cancel = if run.cancel_graceful { Transition::CancelGracefully } else { Transition::Cancel };
            is_new.then_some(cancel)
        } else if row.submission.config.samples() < samples {
            Some(Transition::Extend { samples })
        } else if paused_by_user && row.pause.is_none() && !is_over {
            Some(Transition::Pause { reason: JUDGED_IS_PAUSED.to_owned() })
        } else if !paused_by_user && follows {
            Some(Transition::Resume)
        } else {
            None
        };
        self.change(row, transition).await
    }

    /// Lets a judge judge the answers that came in a later pass of the judged run, once all are there.
    async fn catch_up(
        &self,
        run: &RunRow,
        note: &JudgeNote,
        row: RunRow,
        is_answered: bool,
    ) -> Result<(JudgeNote, RunRow), StoreError> {
        if note.epoch == run.cursor.epoch || !is_answered || !row.status.is_terminal() {
            return Ok((note.clone(), row));
        }
        let had_none = row.stats.errors.get(&ErrorKind::NoAnswer).is_some_and(|jobs| *jobs > 0);
        let retry = Transition::RetryFailed { kinds: BTreeSet::from([ErrorKind::NoAnswer]) };
        let row = self.change(row, had_none.then_some(retry)).await?;
        Ok((JudgeNote { epoch: run.cursor.epoch, ..note.clone() }, row))
    }

    async fn change(&self, row: RunRow, transition: Option<Transition>) -> Result<RunRow, StoreError> {
        let Some(transition) = transition else { return Ok(row) };
        match self.runs.apply(row.id, transition).await {
            Err(StoreError::Conflict(_)) => self.runs.store.run(row.id).await,
            changed => changed,
        }
    }
}

/// Returns true if no further answer of the run comes.
fn is_answered(run: &RunRow) -> bool {
    let is_settled = run.stats.settled() >= run.total;
    let is_dropped = run.cancel_requested_at.is_some() && run.in_queue() == 0;
    run.status.is_terminal() || is_settled || is_dropped
}

fn is_canceled(run: &RunRow) -> bool {
    run.status == RunStatus::Canceled || !run.status.is_terminal() && run.cancel_requested_at.is_some()
}

/// Returns a judge who never began.
fn canceled(note: &JudgeNote) -> JudgeNote {
    let mut note = note.clone();
    note.progress.status = RunStatus::Canceled;
    note
}
