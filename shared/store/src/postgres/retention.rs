//! Table `removals`, and what belongs to the runs and datasets in it.

use std::sync::LazyLock;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, RunId, Tenant, api::Dataset};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    PgStore, answers, batches, budgets, datasets, files, partitions, runs,
    session::Transaction,
    usage_days,
    values::{Cell as _, record},
};
use crate::{
    Retention, RunRow, StoreError,
    columns::sql::{Sql, delete_some, select},
    time::micros,
};

/// Number of removed runs and datasets whose rows are deleted together.
const TOGETHER: i64 = 100;

static ENDED: Sql = Sql::new(|| {
    let rest = "\
WHERE finished_at < $1 /* before */
  AND id > $2 /* after */
  AND ($4::text IS NULL OR tenant = $4)
ORDER BY id
LIMIT $3";
    select::<RunRow>("runs.ended", "runs", rest)
});

// With NOT EXISTS, the planner would join all datasets with all runs.
static UNUSED: Sql = Sql::new(|| {
    let rest = "\
WHERE created_at < $1 /* before */
  AND id > $2 /* after */
  AND (
      SELECT runs.id
      FROM runs
      WHERE runs.dataset_id = datasets.id
      LIMIT 1
  ) IS NULL
  AND ($4::text IS NULL OR tenant = $4)
ORDER BY id
LIMIT $3";
    select::<Dataset>("datasets.unused", "datasets", rest)
});

const ADD: &str = "\
INSERT /* removals.add */ INTO removals (id)
VALUES ($1)
ON CONFLICT DO NOTHING";

const NEXT: &str = "\
SELECT /* removals.next */ id
FROM removals
ORDER BY id
LIMIT $1
FOR UPDATE SKIP LOCKED";

const DONE: &str = "\
DELETE /* removals.done */ FROM removals
WHERE id = ANY ($1)";

static DELETE: LazyLock<[String; 6]> = LazyLock::new(|| {
    [
        delete_some("results.sweep", "results", "run_id", "ordinal, sample"),
        delete_some("answers.sweep", "answers", "run_id", "ordinal, sample"),
        delete_some("invocations.sweep", "invocations", "run_id", "id"),
        delete_some("run_events.sweep", "run_events", "run_id", "last_seq"),
        delete_some("deferred.sweep", "deferred", "run_id", "ordinal, sample"),
        delete_some("dataset_items.sweep", "dataset_items", "dataset_id", "ordinal"),
    ]
});

#[async_trait]
impl Retention for PgStore {
    async fn ended_runs(
        &self,
        tenant: Option<&Tenant>,
        before: Timestamp,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), RunId::uuid);
        let client = self.client().await?;
        let statement = client.prepare_cached(&ENDED).await?;
        let rows = client
            .query(&statement, &[&micros(before), &after, &i64::from(limit), &tenant.map(Tenant::as_str)])
            .await?;
        rows.iter().map(record).collect()
    }

    async fn unused_datasets(
        &self,
        tenant: Option<&Tenant>,
        before: Timestamp,
        after: Option<DatasetId>,
        limit: u32,
    ) -> Result<Vec<Dataset>, StoreError> {
        let after = after.map_or(Uuid::nil(), DatasetId::uuid);
        let client = self.client().await?;
        let statement = client.prepare_cached(&UNUSED).await?;
        let rows = client
            .query(&statement, &[&micros(before), &after, &i64::from(limit), &tenant.map(Tenant::as_str)])
            .await?;
        rows.iter().map(record).collect()
    }

    async fn hide_file(&self, id: DatasetId) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        if !files::hide(&tx, id).await? {
            return Err(StoreError::not_found("file", id));
        }
        remove_if_unneeded(&tx, id).await?;
        Ok(tx.commit().await?)
    }

    async fn remove_run(&self, id: RunId) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        runs::lock(&tx, id).await?.row.require_ended()?;
        runs::delete(&tx, id).await?;
        answers::forget_run(&tx, id).await?;
        if let Some(file) = batches::delete(&tx, id).await? {
            remove_if_unneeded(&tx, file).await?;
        }
        add(&tx, id.uuid()).await?;
        Ok(tx.commit().await?)
    }

    async fn remove_dataset(&self, id: DatasetId) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        remove_dataset(&tx, id).await?;
        Ok(tx.commit().await?)
    }

    async fn sweep(&self, limit: u32) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(NEXT).await?;
        let rows = tx.query(&statement, &[&TOGETHER]).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.cell("id")).collect::<Result<_, _>>()?;
        if ids.is_empty() {
            return Ok(false);
        }
        if delete_rows(&tx, &ids, limit).await? {
            for id in &ids {
                budgets::forget_run(&tx, RunId::from_uuid(*id)).await?;
            }
            execute(&tx, DONE, &[&ids]).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn forget_usage(&self, day: &str) -> Result<u64, StoreError> {
        usage_days::forget(self, day).await
    }

    async fn drop_partitions(&self, now: Timestamp) -> Result<u64, StoreError> {
        partitions::drop_unused(self, now).await
    }

    async fn make_partitions(&self, now: Timestamp) -> Result<(), StoreError> {
        partitions::make(self, now).await
    }
}

async fn remove_if_unneeded(tx: &Transaction<'_>, file: DatasetId) -> Result<(), StoreError> {
    if files::is_unneeded(tx, file).await? { remove_dataset(tx, file).await } else { Ok(()) }
}

async fn remove_dataset(tx: &Transaction<'_>, id: DatasetId) -> Result<(), StoreError> {
    files::delete(tx, id).await?;
    batches::delete_of_dataset(tx, id).await?;
    datasets::delete(tx, id).await?;
    add(tx, id.uuid()).await
}

/// Lets the rows be deleted that belong to a run or a dataset.
async fn add(tx: &Transaction<'_>, id: Uuid) -> Result<(), StoreError> {
    execute(tx, ADD, &[&id]).await?;
    Ok(())
}

/// Deletes rows that belong to what has these ids, at most `limit` of each table. Returns true if none are left.
async fn delete_rows(tx: &Transaction<'_>, ids: &[Uuid], limit: u32) -> Result<bool, StoreError> {
    let mut is_done = true;
    for statement in &*DELETE {
        is_done &= execute(tx, statement, &[&ids, &i64::from(limit)]).await? < u64::from(limit);
    }
    Ok(is_done)
}

async fn execute(
    tx: &Transaction<'_>,
    text: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<u64, StoreError> {
    let statement = tx.prepare_cached(text).await?;
    Ok(tx.execute(&statement, values).await?)
}
