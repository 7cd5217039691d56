use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{RunId, TokenId};

use super::{SqliteStore, deferred, lost, runs, tokens};
use crate::{ActiveRun, ActiveRuns, DueJob, Feed, RunRow, StoreError, TokenBudget};

#[async_trait]
impl ActiveRuns for SqliteStore {
    async fn active_runs(&self) -> Result<Vec<ActiveRun>, StoreError> {
        let mut active = self.unfinished_runs().await?;
        active.retain(|active| self.works_on(active.run.id));
        Ok(active)
    }

    async fn unfinished_runs(&self) -> Result<Vec<ActiveRun>, StoreError> {
        self.read(runs::active).await
    }

    async fn interactive_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        self.read(runs::interactive).await
    }

    async fn charged_run(&self, id: RunId) -> Result<ActiveRun, StoreError> {
        self.read(move |db| runs::charged(db, id)).await
    }

    async fn token_budget(&self, id: TokenId) -> Result<Option<TokenBudget>, StoreError> {
        self.read(move |db| tokens::budget(db, id)).await
    }
}

#[async_trait]
impl Feed for SqliteStore {
    async fn due_jobs(&self, id: RunId, now: Timestamp, limit: u32) -> Result<Vec<DueJob>, StoreError> {
        self.read(move |db| deferred::due(db, id, now, limit)).await
    }

    async fn mark_fed(
        &self,
        id: RunId,
        fed: u64,
        refed: &[DueJob],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let refed = refed.to_owned();
        self.write(move |tx| {
            let mut run = runs::load(tx, id)?;
            let refed = deferred::delete_fed(tx, &refed)?;
            run.mark_fed(fed, refed, now);
            runs::save(tx, &run)
        })
        .await
    }

    async fn defer_lost(&self, id: RunId, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let jobs = self.read(move |db| lost::missing(db, &runs::load(db, id)?.row, limit)).await?;
        self.write(move |tx| {
            let mut run = runs::load(tx, id)?;
            if run.row.status.is_terminal() {
                return Ok(0);
            }
            let lost = lost::defer(tx, id, &jobs, now)?;
            run.mark_lost(lost, now);
            runs::save(tx, &run)?;
            Ok(lost)
        })
        .await
    }

    async fn end_canceled(&self, id: RunId, before: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let mut run = runs::load(tx, id)?;
            let ended = run.end_canceled(before, now);
            if ended {
                runs::save(tx, &run)?;
            }
            Ok(ended)
        })
        .await
    }
}
