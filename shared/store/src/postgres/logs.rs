//! The transaction of the log-sink.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::future::try_join_all;
use jiff::Timestamp;
use runmill_proto::{
    InvocationId, RunId,
    api::{InvocationRecord, ResultRecord},
    message::JobKey,
};

use super::{PgStore, deferred, events, invocations, results, runs};
use crate::{
    LogBatch, Results, StoreError, Written,
    ledger::{Intake, News, OpenRun, OpenRuns},
};

#[async_trait]
impl Results for PgStore {
    async fn write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        // Once more at once: it may have lost a race, or been given a connection that had died in the pool.
        match self.try_write_logs(batch, now).await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "a batch of logs is written again");
                self.try_write_logs(batch, now).await
            }
            done => done,
        }
    }

    async fn results(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError> {
        results::page(self, id, after, limit).await
    }

    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        invocations::page(self, id, after, limit).await
    }
}

impl PgStore {
    async fn try_write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let runs = runs::lock_all(&tx, &batch.run_ids()).await?;
        let mut intake = Intake::new(batch, &runs);
        intake.keep_new(&invocations::insert(&tx, &intake.calls()).await?);
        let news = insert_new(&tx, &intake, &runs, now).await?;
        let (written, runs) = intake.record(news, runs, now);
        save_all(&tx, &runs).await?;
        tx.commit().await?;
        Ok(written)
    }
}

async fn insert_new(
    tx: &Transaction<'_>,
    intake: &Intake<'_>,
    runs: &OpenRuns,
    now: Timestamp,
) -> Result<News, StoreError> {
    let settled = results::insert(tx, &intake.results(runs), now).await?;
    let mut undeferred = BTreeMap::new();
    for key in deferred::delete(tx, &settled).await? {
        *undeferred.entry(key.run_id).or_default() += 1;
    }
    let deferred = deferred::insert(tx, &intake.deferrals(runs)).await?;
    Ok(News { settled: settled.into_iter().collect(), undeferred, deferred: deferred.into_iter().collect() })
}

async fn save_all(tx: &Transaction<'_>, runs: &OpenRuns) -> Result<(), StoreError> {
    // Sent together, so that many small runs cost one round trip.
    try_join_all(runs.values().map(|run| runs::update(tx, run))).await?;
    events::append(tx, runs.values().flat_map(OpenRun::pages).collect()).await?;
    for run in runs.values().filter(|run| run.drops_deferred()) {
        deferred::delete_all(tx, run.row.id).await?;
    }
    Ok(())
}
