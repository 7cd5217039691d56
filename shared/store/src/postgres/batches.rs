//! Table `batches`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, RunId, Tenant, TokenId};
use uuid::Uuid;

use super::{
    PgStore, run_writer,
    session::Transaction,
    values::{Cell as _, parameters, record, text},
};
use crate::{
    BatchContent, BatchProtocol, BatchRow, Batches, CreatedBatch, ResultFile, RunRow, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql},
    },
    time::micros,
};

static INSERT: Sql = Sql::new(|| {
    let rest = "ON CONFLICT (tenant, request_key) DO NOTHING";
    sql::insert::<BatchRow>(Dialect::Postgres, "batches.insert", "batches", rest)
});

static GET: Sql = Sql::new(|| sql::select::<BatchRow>("batches.get", "batches", "WHERE id = $1"));

static BY_KEY: Sql = Sql::new(|| {
    sql::select::<BatchRow>("batches.by_key", "batches", "WHERE tenant = $1\n  AND request_key = $2")
});

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE protocol = $3\n  AND id < $1 /* before */\nORDER BY id DESC\nLIMIT $2";
    sql::select::<BatchRow>("batches.page", "batches", rest)
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "\
WHERE tenant = $4
  AND protocol = $3
  AND id < $1 /* before */
ORDER BY id DESC
LIMIT $2";
    sql::select::<BatchRow>("batches.page_of_tenant", "batches", rest)
});

static NEWEST_OF: Sql = Sql::new(|| {
    let rest = "\
WHERE version_hash = $1
  AND tenant = $2
  AND token_id IS NOT DISTINCT FROM $3
  AND ($4::uuid IS NULL OR dataset_id = $4)
  AND protocol = $5
  AND endpoint = $6
  AND created_at >= $7 /* since */
ORDER BY id DESC
LIMIT 1";
    sql::select::<BatchRow>("batches.newest_of", "batches", rest)
});

const OVERDUE: &str = "\
SELECT /* batches.overdue */ batches.id
FROM runs
JOIN batches ON batches.id = runs.id
WHERE runs.finished_at IS NULL
  AND runs.cancel_requested_at IS NULL
  AND batches.expires_at <= $1 /* now */
ORDER BY batches.id
LIMIT $2";

const EXPIRE: &str = "\
UPDATE /* batches.expire */ batches
SET expired_at = coalesce(expired_at, $2)
WHERE id = $1";

const HIDE: &str = "\
UPDATE /* batches.hide */ batches
SET output_hidden = output_hidden OR $2,
    errors_hidden = errors_hidden OR NOT $2
WHERE id = $1";

const DELETE: &str = "\
DELETE /* batches.delete */ FROM batches
WHERE id = $1
RETURNING dataset_id";

const DELETE_OF_DATASET: &str = "\
DELETE /* batches.delete_of_dataset */ FROM batches
WHERE dataset_id = $1";

#[async_trait]
impl Batches for PgStore {
    async fn create_batch(&self, batch: &BatchRow, run: Option<&RunRow>) -> Result<CreatedBatch, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(&INSERT).await?;
        if tx.execute(&statement, &parameters(&inserted::<BatchRow>(batch))).await? == 0 {
            let statement = tx.prepare_cached(&BY_KEY).await?;
            let key = batch.request_key.as_deref().map(text);
            let existing = tx.query_opt(&statement, &[&batch.tenant.as_str(), &key]).await?;
            let existing = existing.ok_or_else(|| StoreError::not_found("batch", batch.id))?;
            return Ok(CreatedBatch::Existing(record(&existing)?));
        }
        if let Some(run) = run {
            run_writer::create(&tx, run).await?;
        }
        tx.commit().await?;
        Ok(CreatedBatch::New(batch.clone()))
    }

    async fn batch(&self, id: RunId) -> Result<BatchRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&GET).await?;
        let row = client.query_opt(&statement, &[&id.uuid()]).await?;
        record(&row.ok_or_else(|| StoreError::not_found("batch", id))?)
    }

    async fn batches(
        &self,
        tenant: Option<&Tenant>,
        protocol: BatchProtocol,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<BatchRow>, StoreError> {
        let (before, limit) = (before.map_or(Uuid::max(), RunId::uuid), i64::from(limit));
        let protocol = protocol.as_str();
        let client = self.client().await?;
        let rows = match tenant.map(Tenant::as_str) {
            None => client.query(&client.prepare_cached(&PAGE).await?, &[&before, &limit, &protocol]).await?,
            Some(tenant) => {
                let statement = client.prepare_cached(&PAGE_OF_TENANT).await?;
                client.query(&statement, &[&before, &limit, &protocol, &tenant]).await?
            }
        };
        rows.iter().map(record).collect()
    }

    async fn newest_batch(
        &self,
        content: &BatchContent,
        since: Timestamp,
    ) -> Result<Option<BatchRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&NEWEST_OF).await?;
        let row = client
            .query_opt(
                &statement,
                &[
                    &content.version_hash,
                    &content.tenant.as_str(),
                    &content.token_id.map(TokenId::uuid),
                    &content.dataset_id.map(DatasetId::uuid),
                    &content.protocol.as_str(),
                    &content.endpoint,
                    &micros(since),
                ],
            )
            .await?;
        row.as_ref().map(record).transpose()
    }

    async fn overdue_batches(&self, now: Timestamp, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(OVERDUE).await?;
        let rows = client.query(&statement, &[&micros(now), &i64::from(limit)]).await?;
        rows.iter().map(|row| row.cell("id")).collect()
    }

    async fn expire_batch(&self, id: RunId, now: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(EXPIRE).await?;
        found(id, client.execute(&statement, &[&id.uuid(), &micros(now)]).await?)
    }

    async fn hide_results(&self, id: RunId, file: ResultFile) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(HIDE).await?;
        found(id, client.execute(&statement, &[&id.uuid(), &(file == ResultFile::Output)]).await?)
    }
}

fn found(id: RunId, changed: u64) -> Result<(), StoreError> {
    if changed == 0 { Err(StoreError::not_found("batch", id)) } else { Ok(()) }
}

/// Deletes the batch of a removed run, if it is one. Returns its input file.
pub async fn delete(tx: &Transaction<'_>, id: RunId) -> Result<Option<DatasetId>, StoreError> {
    let statement = tx.prepare_cached(DELETE).await?;
    let row = tx.query_opt(&statement, &[&id.uuid()]).await?;
    row.map(|row| row.cell("dataset_id")).transpose()
}

/// Deletes the batches of a dataset that is removed. They have no runs, because these would hold the dataset.
pub async fn delete_of_dataset(tx: &Transaction<'_>, id: DatasetId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(DELETE_OF_DATASET).await?;
    tx.execute(&statement, &[&id.uuid()]).await?;
    Ok(())
}
