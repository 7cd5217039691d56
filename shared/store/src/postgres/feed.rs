use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{RunId, TokenId};

use super::{PgStore, deferred, lost, runs, tokens};
use crate::{ActiveRun, ActiveRuns, DueJob, Feed, RunReader as _, RunRow, StoreError, TokenBudget};

#[async_trait]
impl ActiveRuns for PgStore {
    async fn active_runs(&self) -> Result<Vec<ActiveRun>, StoreError> {
        runs::active(self).await
    }

    async fn interactive_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        runs::interactive(self).await
    }

    async fn charged_run(&self, id: RunId) -> Result<ActiveRun, StoreError> {
        runs::charged(self, id).await
    }

    async fn token_budget(&self, id: TokenId) -> Result<Option<TokenBudget>, StoreError> {
        tokens::budget(self, id).await
    }
}

#[async_trait]
impl Feed for PgStore {
    async fn due_jobs(&self, id: RunId, now: Timestamp, limit: u32) -> Result<Vec<DueJob>, StoreError> {
        deferred::due(self, id, now, limit).await
    }

    async fn mark_fed(
        &self,
        id: RunId,
        fed: u64,
        refed: &[DueJob],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let mut run = runs::lock(&tx, id).await?;
        let refed = deferred::delete_fed(&tx, refed).await?;
        run.mark_fed(fed, refed, now);
        runs::save(&tx, &run).await?;
        Ok(tx.commit().await?)
    }

    async fn defer_lost(&self, id: RunId, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let row = self.run(id).await?;
        let mut client = self.client().await?;
        let jobs = lost::missing(&client, &row, limit).await?;
        let tx = client.transaction().await?;
        let mut run = runs::lock(&tx, id).await?;
        if run.row.status.is_terminal() {
            return Ok(0);
        }
        let lost = lost::defer(&tx, id, &jobs, now).await?;
        run.mark_lost(lost, now);
        runs::save(&tx, &run).await?;
        tx.commit().await?;
        Ok(lost)
    }

    async fn end_canceled(&self, id: RunId, before: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let mut run = runs::lock(&tx, id).await?;
        let ended = run.end_canceled(before, now);
        if ended {
            runs::save(&tx, &run).await?;
            tx.commit().await?;
        }
        Ok(ended)
    }
}
