use runmill_proto::message::JobKey;

use crate::{LogEntry, RunRow, StoreError};

/// Jobs that a run has.
pub(super) struct Bounds {
    items: u64,
    samples: u32,
    /// Number of the run's newest pass. Those before it exist, too.
    epoch: u32,
}

impl Bounds {
    pub fn of(row: &RunRow) -> Self {
        let samples = row.submission.config.samples();
        Self { items: row.total / u64::from(samples), samples, epoch: row.cursor.epoch }
    }

    /// Checks that the run has the job of a message. Whoever can publish to the queues can claim any job, and a row of
    /// one that does not exist would be counted as a result, or fed to executors. A client's call is of no job.
    pub fn check(&self, entry: &LogEntry) -> Result<(), StoreError> {
        if entry.client().is_some() {
            return Ok(());
        }
        let JobKey { run_id, ordinal, sample } = entry.key();
        let Self { items, samples, epoch } = self;
        let claim = if u64::from(ordinal) >= *items {
            format!("item {ordinal}, and run {run_id} has {items} items, counted from 0")
        } else if sample >= *samples {
            format!("sample {sample}, and run {run_id} has {samples} of each item, counted from 0")
        } else if entry.epoch() > *epoch {
            format!("epoch {}, and run {run_id} is in epoch {epoch}", entry.epoch())
        } else {
            return Ok(());
        };
        Err(StoreError::NoSuchJob(claim))
    }
}
