//! Transactions that create and change runs, over several tables.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;

use super::{
    PgStore, budgets, datasets, deferred, events, lost, providers, results, runs, session::Transaction,
    webhooks,
};
use crate::{
    CreatedRun, RunRow, RunWriter, StoreError, Transition, WebhookRow,
    dataset::{interactive, lighteval},
    ledger::{LockedRun, Move, plan},
};

/// Inserts a run with its first event and its webhook. Returns `None` if its idempotency key is taken.
pub async fn create(tx: &Transaction<'_>, row: &RunRow) -> Result<Option<RunRow>, StoreError> {
    providers::hold(tx, row.submission.provider_id).await?;
    if row.is_interactive() {
        datasets::ensure(tx, interactive(row)?).await?;
    } else if row.is_of_lighteval() {
        datasets::ensure(tx, lighteval(row)?).await?;
    }
    let run = LockedRun::created(row);
    if !runs::insert(tx, &run.row).await? {
        return Ok(None);
    }
    events::append(tx, run.pages()).await?;
    if let Some(url) = &row.submission.webhook {
        webhooks::insert(tx, &WebhookRow::new(row.id, url.clone(), row.created_at)).await?;
    }
    Ok(Some(run.row))
}

#[async_trait]
impl RunWriter for PgStore {
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        if let Some(existing) = runs::by_key(&tx, row).await? {
            return existing.answer_again(row).map(CreatedRun::Existing);
        }
        let Some(created) = create(&tx, row).await? else {
            // Another request with the same key has committed earlier.
            let existing = runs::by_key(&tx, row).await?;
            let existing = existing.ok_or_else(|| StoreError::not_found("run", row.id))?;
            return existing.answer_again(row).map(CreatedRun::Existing);
        };
        tx.commit().await?;
        Ok(CreatedRun::New(created))
    }

    async fn transition(
        &self,
        id: RunId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<RunRow, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let mut run = runs::lock(&tx, id).await?;
        let moved = match plan(&run.row, &transition)? {
            Move::Nothing => 0,
            Move::DeferredToNow => deferred::make_due(&tx, id, now).await?,
            Move::FailedToNow(kinds) => {
                deferred::make_due(&tx, id, now).await?;
                let failed = results::delete_failed(&tx, id, &kinds).await?;
                deferred::insert_due(&tx, id, &failed, now).await?
            }
            Move::LostToNow => {
                let jobs = lost::missing(&tx, &run.row, u32::MAX).await?;
                lost::defer(&tx, id, &jobs, now).await?
            }
        };
        if transition == Transition::Recover {
            budgets::forget_run(&tx, id).await?;
        }
        let had_ended = run.row.status.is_terminal();
        run.carry_out(&transition, moved, now);
        if had_ended && !run.row.status.is_terminal() {
            webhooks::begin_anew(&tx, id, now).await?;
        }
        runs::save(&tx, &run).await?;
        tx.commit().await?;
        Ok(run.row)
    }
}
