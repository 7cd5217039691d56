//! The transaction of the log-sink, over several tables.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use super::{SqliteStore, deferred, invocations, results, runs};
use crate::{
    LogBatch, LogWriter, StoreError, Written,
    ledger::{BatchPlan, LockedRuns, NewRows},
};

#[async_trait]
impl LogWriter for SqliteStore {
    async fn write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        let batch = batch.clone();
        self.write(move |tx| write_logs(tx, &batch, now)).await
    }
}

fn write_logs(db: &Connection, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
    let runs = runs::load_all(db, &batch.run_ids())?;
    let mut plan = BatchPlan::new(batch, &runs)?;
    plan.keep_new(&invocations::insert(db, &plan.calls())?);
    let new = insert_new(db, &plan, &runs, now)?;
    let (written, runs) = plan.record(new, runs, now);
    for run in runs.values() {
        runs::save(db, run)?;
    }
    Ok(written)
}

fn insert_new(
    db: &Connection,
    plan: &BatchPlan<'_>,
    runs: &LockedRuns,
    now: Timestamp,
) -> Result<NewRows, StoreError> {
    let settled = results::insert(db, &plan.results(runs), now)?;
    let mut undeferred = BTreeMap::new();
    for key in deferred::delete(db, &settled)? {
        *undeferred.entry(key.run_id).or_default() += 1;
    }
    let deferred = deferred::insert(db, &plan.deferrals(runs))?;
    Ok(NewRows {
        settled: settled.into_iter().collect(),
        undeferred,
        deferred: deferred.into_iter().collect(),
    })
}
