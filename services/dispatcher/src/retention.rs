//! Removes what is no longer kept, beside the feeding and in small steps, so that the runs of today keep their rate.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, StoreError};
use tokio::time::{Instant, sleep};

/// Interval of the looks for old runs, old datasets and missing partitions.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// Interval of the looks for partitions that nothing needs. Writers wait for a moment while one is dropped.
const DROP_EVERY: Duration = Duration::from_secs(30);
/// Pause while there are no rows to delete, and after a failure.
const IDLE: Duration = Duration::from_secs(5);
/// Number of rows of each table that one step deletes, which takes some tens of milliseconds.
const STEP_ROWS: u32 = 1_000;
/// Pause after a step, in units of the time that it took: a fifth of the time is spent on deletion.
const PAUSE_FACTOR: u32 = 4;
/// Shortest time for which the sums of use are kept: bills and comparisons with the month of a year ago need them.
const USAGE_KEPT_FOR: Duration = Duration::from_hours(400 * 24);
/// Number of runs or datasets that are read at once.
const PAGE: u32 = 100;

/// Keeper of the limits on what is stored. The leader runs it.
#[derive(Clone)]
pub struct Retention {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    /// Time for which runs are kept after their end, and datasets that no run uses after their upload. `None`: for ever.
    pub keep: Option<Duration>,
}

impl Retention {
    /// Works until it is dropped. A step that was begun may be completed afterwards, and can be repeated by the next
    /// leader.
    pub async fn run(self) {
        let (mut looked, mut dropped) = (None, None);
        loop {
            let began = Instant::now();
            match self.step(&mut looked, &mut dropped).await {
                Ok(true) => sleep(began.elapsed() * PAUSE_FACTOR).await,
                Ok(false) => sleep(IDLE).await,
                Err(error) => {
                    tracing::warn!(event = "retention.failed", %error);
                    sleep(IDLE).await;
                }
            }
        }
    }

    /// Does what is due. Returns true if there may be more rows to delete.
    async fn step(
        &self,
        looked: &mut Option<Instant>,
        dropped: &mut Option<Instant>,
    ) -> Result<bool, StoreError> {
        if is_due(looked, LOOK_EVERY) {
            self.look().await;
            *dropped = None;
        }
        if is_due(dropped, DROP_EVERY)
            && let Err(error) = self.store.drop_partitions(self.clock.now()).await
        {
            tracing::debug!(%error, "a partition without runs could not be dropped: its rows are deleted");
        }
        self.store.sweep(STEP_ROWS).await
    }

    /// Looks for what is too old. A failure ends only its part, because the next look is an hour away.
    async fn look(&self) {
        let now = self.clock.now();
        if let Err(error) = self.store.make_partitions(now).await {
            tracing::warn!(event = "retention.no_partition", %error, "results of coming months share a partition");
        }
        let Some(keep) = self.keep else { return };
        let before = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        if let Err(error) = self.prune(before).await {
            tracing::warn!(event = "retention.prune_failed", %error);
        }
        let before = now.checked_sub(keep.max(USAGE_KEPT_FOR)).unwrap_or(Timestamp::MIN);
        if let Err(error) = self.forget_usage(before).await {
            tracing::warn!(event = "retention.usage_not_forgotten", %error);
        }
    }

    /// Deletes the sums of use of the days before that of `before`, each in a transaction of its own.
    async fn forget_usage(&self, before: Timestamp) -> Result<(), StoreError> {
        let day = before.strftime("%Y-%m-%d").to_string();
        while self.store.forget_usage(&day).await? > 0 {}
        Ok(())
    }

    /// Removes all runs that ended before `before`, then the datasets that are older and that no run uses.
    pub async fn prune(&self, before: Timestamp) -> Result<(), StoreError> {
        let (mut runs, mut after) = (0, None);
        loop {
            let page = self.store.ended_runs(None, before, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for run in &page {
                runs += removed(self.store.remove_run(run.id).await)?;
            }
        }
        let (mut datasets, mut after) = (0, None);
        loop {
            let page = self.store.unused_datasets(None, before, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for dataset in &page {
                datasets += removed(self.store.remove_dataset(dataset.id).await)?;
            }
        }
        if runs + datasets > 0 {
            tracing::info!(event = "retention.pruned", runs, datasets, %before);
        }
        Ok(())
    }
}

/// Returns true if `interval` has passed since `last`, and begins it anew.
fn is_due(last: &mut Option<Instant>, interval: Duration) -> bool {
    let is_due = last.is_none_or(|last| last.elapsed() >= interval);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Returns the number of what was removed. A run that goes on meanwhile, or that a user has removed, is left alone.
fn removed(done: Result<(), StoreError>) -> Result<u32, StoreError> {
    match done {
        Ok(()) => Ok(1),
        Err(StoreError::Conflict(_) | StoreError::NotFound { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}
