//! The transaction of the log-sink, over several tables.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::Timestamp;

use super::{PgStore, deferred, events, invocations, results, runs, session::Transaction};
use crate::{
    LogBatch, LogWriter, StoreError, Written,
    ledger::{BatchPlan, LockedRun, LockedRuns, NewRows},
};

#[async_trait]
impl LogWriter for PgStore {
    async fn write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        // A failed transaction is retried once, immediately: it may have conflicted with another, or have got a dead
        // connection from the pool.
        match self.try_write_logs(batch, now).await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "a batch of logs is written again");
                self.try_write_logs(batch, now).await
            }
            done => done,
        }
    }
}

impl PgStore {
    async fn try_write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let runs = runs::lock_all(&tx, &batch.run_ids()).await?;
        let mut plan = BatchPlan::new(batch, &runs)?;
        plan.keep_new(&invocations::insert(&tx, &plan.calls()).await?);
        let new = insert_new(&tx, &plan, &runs, now).await?;
        let (written, runs) = plan.record(new, runs, now);
        save_all(&tx, &runs).await?;
        tx.commit().await?;
        Ok(written)
    }
}

async fn insert_new(
    tx: &Transaction<'_>,
    plan: &BatchPlan<'_>,
    runs: &LockedRuns,
    now: Timestamp,
) -> Result<NewRows, StoreError> {
    let settled = results::insert(tx, &plan.results(runs), now).await?;
    let mut undeferred = BTreeMap::new();
    for key in deferred::delete(tx, &settled).await? {
        *undeferred.entry(key.run_id).or_default() += 1;
    }
    let deferred = deferred::insert(tx, &plan.deferrals(runs)).await?;
    Ok(NewRows {
        settled: settled.into_iter().collect(),
        undeferred,
        deferred: deferred.into_iter().collect(),
    })
}

async fn save_all(tx: &Transaction<'_>, runs: &LockedRuns) -> Result<(), StoreError> {
    // The updates are sent together, so that many small runs cost one round trip.
    try_join_all(runs.values().map(|run| runs::update(tx, &run.row))).await?;
    events::append(tx, runs.values().flat_map(LockedRun::pages).collect()).await?;
    for run in runs.values().filter(|run| run.drops_deferred()) {
        deferred::delete_all(tx, run.row.id).await?;
    }
    Ok(())
}
