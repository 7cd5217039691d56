//! Answers that a judge's run can judge now.

use runmill_proto::{JudgedPart, Judging, RunId, message::JudgedAnswer};
use runmill_store::{ActiveRun, DispatcherStore, JudgedRow, StoreError};

use super::jobs::CHUNK;

/// Recorded answers at the next positions of a judge's run, without a gap.
#[derive(Debug, Default)]
pub struct Ready(Vec<Option<JudgedAnswer>>);

impl Ready {
    /// Reads at most `most` answers. `None` if the run judges nothing, so that all of its positions are ready.
    ///
    /// A position whose answer is to come ends them, so that a judge's run is fed in the order of its positions. When the other
    /// run has ended, what is missing has no answer.
    pub async fn read(
        store: &dyn DispatcherStore,
        active: &ActiveRun,
        most: u64,
    ) -> Result<Option<Self>, StoreError> {
        let run = &active.run;
        if !run.is_of_judge() {
            return Ok(None);
        }
        let Some(judging) = run.submission.config.judging() else { return Ok(Some(Self::default())) };
        let left = run.total.saturating_sub(run.cursor.fed);
        let (sample, ordinal) = (run.cursor.fed / active.items, run.cursor.fed % active.items);
        let most = most.min(left).min(active.items - ordinal).min(CHUNK);
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let (first, most) = (number(ordinal), number(most));
        if most == 0 || !run.is_feedable() {
            return Ok(Some(Self::default()));
        }
        let of = number(sample) / judging.judge.verdict.orders();
        let mut rows = store.judged(judging.run_id, of, first, most).await?;
        let is_short = rows.len() < most as usize;
        let is_over = is_short && is_over(store, judging.run_id).await?;
        if is_over {
            // The last answers may have come between the two looks.
            rows = store.judged(judging.run_id, of, first, most).await?;
        }
        let mut rows = rows.into_iter().peekable();
        let mut answers = Vec::new();
        for ordinal in first..first + most {
            match rows.next_if(|row| row.ordinal == ordinal) {
                Some(row) => answers.push(answer(&judging, row)),
                None if is_over => answers.push(None),
                None => break,
            }
        }
        Ok(Some(Self(answers)))
    }

    /// Returns the number of answers.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Returns the `n`th answer. `None` if the item has none.
    pub fn get(&self, n: usize) -> Option<JudgedAnswer> {
        self.0.get(n).cloned().flatten()
    }
}

/// Returns true if no further answer of the run comes. One that was removed has none.
async fn is_over(store: &dyn DispatcherStore, id: RunId) -> Result<bool, StoreError> {
    match store.run(id).await {
        Ok(run) => Ok(run.status.is_terminal()),
        Err(StoreError::NotFound { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Reads the answer of one job of a judge's run. `None` if there is none, or the run judges nothing.
pub async fn answer_of(
    store: &dyn DispatcherStore,
    active: &ActiveRun,
    sample: u32,
    ordinal: u32,
) -> Result<Option<JudgedAnswer>, StoreError> {
    let Some(judging) = active.run.submission.config.judging().filter(|_| active.run.is_of_judge()) else {
        return Ok(None);
    };
    let sample = sample / judging.judge.verdict.orders();
    let row = store.judged(judging.run_id, sample, ordinal, 1).await?.pop();
    Ok(row.and_then(|row| answer(&judging, row)))
}

fn answer(judging: &Judging, row: JudgedRow) -> Option<JudgedAnswer> {
    let response = row.response?;
    let text = match judging.judge.source {
        JudgedPart::Answer => response,
        JudgedPart::Extracted => row.extracted.unwrap_or(response),
    };
    Some(JudgedAnswer::of(text))
}
