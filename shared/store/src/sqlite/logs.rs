//! The transaction of the log-sink.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    InvocationId, RunId,
    api::{InvocationRecord, ResultRecord},
    message::JobKey,
};
use rusqlite::Connection;

use super::{SqliteStore, deferred, invocations, results, runs};
use crate::{
    LogBatch, Results, StoreError, Written,
    ledger::{Intake, News, OpenRuns},
};

#[async_trait]
impl Results for SqliteStore {
    async fn write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        let batch = batch.clone();
        self.write(move |tx| write_logs(tx, &batch, now)).await
    }

    async fn results(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError> {
        self.read(move |db| results::page(db, id, after, limit)).await
    }

    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        self.read(move |db| invocations::page(db, id, after, limit)).await
    }
}

fn write_logs(db: &Connection, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
    let runs = runs::load_all(db, &batch.run_ids())?;
    let mut intake = Intake::new(batch, &runs);
    intake.keep_new(&invocations::insert(db, &intake.calls())?);
    let news = insert_new(db, &intake, &runs, now)?;
    let (written, runs) = intake.record(news, runs, now);
    for run in runs.values() {
        runs::save(db, run)?;
    }
    Ok(written)
}

fn insert_new(
    db: &Connection,
    intake: &Intake<'_>,
    runs: &OpenRuns,
    now: Timestamp,
) -> Result<News, StoreError> {
    let settled = results::insert(db, &intake.results(runs), now)?;
    let mut undeferred = BTreeMap::new();
    for key in deferred::delete(db, &settled)? {
        *undeferred.entry(key.run_id).or_default() += 1;
    }
    let deferred = deferred::insert(db, &intake.deferrals(runs))?;
    Ok(News { settled: settled.into_iter().collect(), undeferred, deferred: deferred.into_iter().collect() })
}
