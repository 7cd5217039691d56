//! The transaction of the log-sink, over several tables.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::message::{EvaluatedSample, Evaluation, EvaluationPart};
use rusqlite::Connection;

use super::{SqliteStore, datasets, deferred, evaluations, invocations, results, runs, usage_days};
use crate::{
    LogBatch, LogWriter, StoreError, Written,
    dataset::stand_in,
    ledger::{BatchPlan, LockedRun, LockedRuns, NewRows, sample_results, samples_fit},
};

#[async_trait]
impl LogWriter for SqliteStore {
    async fn write_logs(&self, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
        let batch = batch.clone();
        self.write(move |tx| write_logs(tx, &batch, now)).await
    }

    async fn write_evaluation(&self, part: &Evaluation, now: Timestamp) -> Result<Written, StoreError> {
        let part = part.clone();
        self.write(move |tx| write_evaluation(tx, &part, now)).await
    }
}

fn write_evaluation(db: &Connection, part: &Evaluation, now: Timestamp) -> Result<Written, StoreError> {
    let id = part.run_id;
    let Some(mut run) = runs::load_all(db, &[id])?.remove(&id) else {
        return Ok(Written { orphaned: 1, ..Written::default() });
    };
    let is_over = run.row.status.is_terminal();
    if is_over || !evaluations::is_current(db, id, part.attempt)? {
        return Ok(Written { redelivered: 1, ..Written::default() });
    }
    let results = match &part.part {
        EvaluationPart::Lines { number, lines } => {
            if !evaluations::note_log_part(db, id, *number)? {
                return Ok(Written { redelivered: 1, ..Written::default() });
            }
            run.record_lines(lines);
            0
        }
        EvaluationPart::Samples { total, first, samples } => {
            write_samples(db, &mut run, *total, (*first, samples), now)?
        }
        EvaluationPart::Completed { outcome, version_hash } => {
            let dataset = run.row.submission.dataset_id;
            datasets::set_version(db, dataset, outcome.samples, Some(version_hash))?;
            run.complete_evaluation(outcome, now);
            0
        }
        EvaluationPart::Failed { reason } => {
            run.fail_evaluation(reason, now);
            0
        }
    };
    runs::save(db, &run)?;
    let ended = run.row.status.is_terminal().then_some(id).into_iter().collect();
    Ok(Written { results, ended, ..Written::default() })
}

/// Writes consecutive samples. Returns the number of new results.
fn write_samples(
    db: &Connection,
    run: &mut LockedRun,
    total: u32,
    (first, samples): (u32, &[EvaluatedSample]),
    now: Timestamp,
) -> Result<u64, StoreError> {
    samples_fit(total, first, samples)?;
    let (id, dataset) = (run.row.id, run.row.submission.dataset_id);
    datasets::insert_samples(db, dataset, &stand_in(id), first, samples)?;
    datasets::set_version(db, dataset, total.into(), None)?;
    let rows = sample_results(&run.row, first, samples, now);
    let settled = results::insert(db, &rows.iter().collect::<Vec<_>>(), now)?;
    run.record_samples(total, &rows, &settled.iter().copied().collect(), now);
    Ok(settled.len() as u64)
}

fn write_logs(db: &Connection, batch: &LogBatch, now: Timestamp) -> Result<Written, StoreError> {
    let runs = runs::load_all(db, &batch.run_ids())?;
    let mut plan = BatchPlan::new(batch, &runs)?;
    plan.keep_new(&invocations::insert(db, &plan.calls())?);
    let new = insert_new(db, &plan, &runs, now)?;
    // There is one writer, so that no rows have to be kept apart.
    usage_days::add(db, &plan.usage(&runs, 1))?;
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
    let results = plan.results(runs);
    let clusters = results::clusters(db, &BatchPlan::items(&results, runs))?;
    let settled = results::insert(db, &results, now)?;
    let mut undeferred = BTreeMap::new();
    for key in deferred::delete(db, &settled)? {
        *undeferred.entry(key.run_id).or_default() += 1;
    }
    let deferred = deferred::insert(db, &plan.deferrals(runs))?;
    Ok(NewRows {
        settled: settled.into_iter().collect(),
        undeferred,
        deferred: deferred.into_iter().collect(),
        clusters,
    })
}
