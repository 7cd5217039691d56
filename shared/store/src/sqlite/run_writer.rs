//! Transactions that create and change runs, over several tables.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;

use super::{SqliteStore, budgets, deferred, events, lost, providers, results, runs};
use crate::{
    CreatedRun, RunRow, RunWriter, StoreError, Transition,
    ledger::{LockedRun, Move, plan},
};

#[async_trait]
impl RunWriter for SqliteStore {
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            if let Some(existing) = runs::by_key(tx, &row)? {
                return existing.answer_again(&row).map(CreatedRun::Existing);
            }
            providers::require(tx, row.submission.provider_id)?;
            let run = LockedRun::created(&row);
            runs::insert(tx, &run.row)?;
            events::append(tx, run.pages())?;
            Ok(CreatedRun::New(run.row))
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
            run.carry_out(&transition, moved, now);
            runs::save(tx, &run)?;
            Ok(run.row)
        })
        .await
    }
}
