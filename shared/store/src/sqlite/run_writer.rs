//! Transactions that create and change runs, over several tables.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;
use rusqlite::Transaction;

use super::{SqliteStore, budgets, datasets, deferred, events, lost, providers, results, runs, webhooks};
use crate::{
    CreatedRun, RunRow, RunWriter, StoreError, Transition, WebhookRow,
    dataset::{interactive, lighteval},
    ledger::{LockedRun, Move, plan},
};

/// Inserts a run whose idempotency key is not taken, with its first event and its webhook.
pub fn create(tx: &Transaction<'_>, row: &RunRow) -> Result<RunRow, StoreError> {
    providers::require(tx, row.submission.provider_id)?;
    if row.is_interactive() {
        datasets::ensure(tx, interactive(row)?)?;
    } else if row.is_of_lighteval() {
        datasets::ensure(tx, lighteval(row)?)?;
    }
    let run = LockedRun::created(row);
    runs::insert(tx, &run.row)?;
    events::append(tx, run.pages())?;
    if let Some(url) = &row.submission.webhook {
        webhooks::insert(tx, &WebhookRow::new(row.id, url.clone(), row.created_at))?;
    }
    Ok(run.row)
}

#[async_trait]
impl RunWriter for SqliteStore {
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            if let Some(existing) = runs::by_key(tx, &row)? {
                return existing.answer_again(&row).map(CreatedRun::Existing);
            }
            create(tx, &row).map(CreatedRun::New)
        })
        .await
    }

    async fn transition(
        &self,
        id: RunId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<RunRow, StoreError> {
        self.write(move |tx| {
            let mut run = runs::load(tx, id)?;
            let moved = match plan(&run.row, &transition)? {
                Move::Nothing => 0,
                Move::DeferredToNow => deferred::make_due(tx, id, now)?,
                Move::FailedToNow(kinds) => {
                    deferred::make_due(tx, id, now)?;
                    let failed = results::delete_failed(tx, id, &kinds)?;
                    deferred::insert_due(tx, &failed, now)?
                }
                Move::LostToNow => {
                    let jobs = lost::missing(tx, &run.row, u32::MAX)?;
                    lost::defer(tx, id, &jobs, now)?
                }
            };
            if transition == Transition::Recover {
                budgets::forget_run(tx, id)?;
            }
            let had_ended = run.row.status.is_terminal();
            run.carry_out(&transition, moved, now);
            if had_ended && !run.row.status.is_terminal() {
                webhooks::begin_anew(tx, id, now)?;
            }
            runs::save(tx, &run)?;
            Ok(run.row)
        })
        .await
    }
}
