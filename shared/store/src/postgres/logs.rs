//! The transaction of the log-sink, over several tables.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::Timestamp;
use runmill_proto::message::{EvaluatedSample, Evaluation, EvaluationPart};

use super::{
    PgStore, datasets, deferred, evaluations, events, invocations, results, runs, series,
    session::Transaction, usage_days,
};
use crate::{
    LogBatch, LogWriter, StoreError, Written,
    dataset::stand_in,
    ledger::{BatchPlan, LockedRun, LockedRuns, NewRows, sample_results, samples_fit},
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

    async fn write_evaluation(&self, part: &Evaluation, now: Timestamp) -> Result<Written, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let id = part.run_id;
        let Some(mut run) = runs::lock_all(&tx, &[id]).await?.remove(&id) else {
            return Ok(Written { orphaned: 1, ..Written::default() });
        };
        let is_over = run.row.status.is_terminal();
        if is_over || !evaluations::is_current(&tx, id, part.attempt).await? {
            return Ok(Written { redelivered: 1, ..Written::default() });
        }
        let results = match &part.part {
            EvaluationPart::Lines { number, lines } => {
                if !evaluations::note_log_part(&tx, id, *number).await? {
                    return Ok(Written { redelivered: 1, ..Written::default() });
                }
                run.record_lines(lines);
                0
            }
            EvaluationPart::Samples { total, first, samples } => {
                write_samples(&tx, &mut run, *total, (*first, samples), now).await?
            }
            EvaluationPart::Completed { outcome, version_hash } => {
                let dataset = run.row.submission.dataset_id;
                datasets::set_version(&tx, dataset, outcome.samples, Some(version_hash)).await?;
                run.complete_evaluation(outcome, now);
                0
            }
            EvaluationPart::Failed { reason } => {
                run.fail_evaluation(reason, now);
                0
            }
        };
        runs::save(&tx, &run).await?;
        tx.commit().await?;
        let ended = run.row.status.is_terminal().then_some(id).into_iter().collect();
        Ok(Written { results, ended, ..Written::default() })
    }
}

/// Writes consecutive samples. Returns the number of new results.
async fn write_samples(
    tx: &Transaction<'_>,
    run: &mut LockedRun,
    total: u32,
    (first, samples): (u32, &[EvaluatedSample]),
    now: Timestamp,
) -> Result<u64, StoreError> {
    samples_fit(total, first, samples)?;
    let (id, dataset) = (run.row.id, run.row.submission.dataset_id);
    datasets::insert_samples(tx, dataset, &stand_in(id), first, samples).await?;
    datasets::set_version(tx, dataset, total.into(), None).await?;
    let rows = sample_results(&run.row, first, samples, now);
    let settled = results::insert(tx, &rows.iter().collect::<Vec<_>>(), now).await?;
    run.record_samples(total, &rows, &settled.iter().copied().collect(), now);
    Ok(settled.len() as u64)
}

impl PgStore {
    async fn try_write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let runs = runs::lock_all(&tx, &batch.run_ids()).await?;
        let mut plan = BatchPlan::new(batch, &runs)?;
        plan.keep_new(&invocations::insert(&tx, &plan.calls()).await?);
        let new = insert_new(&tx, &plan, &runs, now).await?;
        let usage = plan.usage(&runs, usage_days::SHARDS);
        let (written, runs) = plan.record(new, runs, now);
        save_all(&tx, &runs).await?;
        // These rows are locked last, so that others wait for them as shortly as possible.
        usage_days::add(&tx, &usage).await?;
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
    let results = plan.results(runs);
    let clusters = results::clusters(tx, &BatchPlan::items(&results, runs)).await?;
    let settled = results::insert(tx, &results, now).await?;
    let mut undeferred = BTreeMap::new();
    for key in deferred::delete(tx, &settled).await? {
        *undeferred.entry(key.run_id).or_default() += 1;
    }
    let deferred = deferred::insert(tx, &plan.deferrals(runs)).await?;
    Ok(NewRows {
        settled: settled.into_iter().collect(),
        undeferred,
        deferred: deferred.into_iter().collect(),
        clusters,
    })
}

async fn save_all(tx: &Transaction<'_>, runs: &LockedRuns) -> Result<(), StoreError> {
    // The updates are sent together, so that many small runs cost one round trip.
    try_join_all(runs.values().map(|run| runs::update(tx, &run.row))).await?;
    events::append(tx, runs.values().flat_map(LockedRun::pages).collect()).await?;
    series::insert(tx, runs.values()).await?;
    for run in runs.values().filter(|run| run.drops_deferred()) {
        deferred::delete_all(tx, run.row.id).await?;
    }
    Ok(())
}
