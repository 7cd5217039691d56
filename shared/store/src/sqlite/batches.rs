//! Table `batches`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, RunId, Tenant};
use rusqlite::{Connection, params, params_from_iter};
use uuid::Uuid;

use super::{
    SqliteStore, run_writer,
    values::{Cell as _, all, blob, execute, first, record, time},
};
use crate::{
    BatchContent, BatchProtocol, BatchRow, Batches, CreatedBatch, ResultFile, RunRow, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql},
    },
};

static INSERT: Sql = Sql::new(|| sql::insert::<BatchRow>(Dialect::Sqlite, "batches.insert", "batches", ""));

static GET: Sql = Sql::new(|| sql::select::<BatchRow>("batches.get", "batches", "WHERE id = ?1"));

static BY_KEY: Sql = Sql::new(|| {
    sql::select::<BatchRow>("batches.by_key", "batches", "WHERE tenant = ?1\n  AND request_key = ?2")
});

static PAGE: Sql = Sql::new(|| {
    let rest = "\
WHERE (?4 IS NULL OR tenant = ?4)
  AND protocol = ?3
  AND id < ?1 /* before */
ORDER BY id DESC
LIMIT ?2";
    sql::select::<BatchRow>("batches.page", "batches", rest)
});

static NEWEST_OF: Sql = Sql::new(|| {
    let rest = "\
WHERE version_hash = ?1
  AND tenant = ?2
  AND token_id IS ?3
  AND (?4 IS NULL OR dataset_id = ?4)
  AND protocol = ?5
  AND endpoint = ?6
  AND created_at >= ?7 /* since */
ORDER BY id DESC
LIMIT 1";
    sql::select::<BatchRow>("batches.newest_of", "batches", rest)
});

const OVERDUE: &str = "\
-- batches.overdue
SELECT batches.id
FROM runs
JOIN batches ON batches.id = runs.id
WHERE runs.finished_at IS NULL
  AND runs.cancel_requested_at IS NULL
  AND batches.expires_at <= ?1 /* now */
ORDER BY batches.id
LIMIT ?2";

const EXPIRE: &str = "\
-- batches.expire
UPDATE batches
SET expired_at = coalesce(expired_at, ?2)
WHERE id = ?1";

const HIDE: &str = "\
-- batches.hide
UPDATE batches
SET output_hidden = output_hidden OR ?2,
    errors_hidden = errors_hidden OR NOT ?2
WHERE id = ?1";

const DELETE: &str = "\
-- batches.delete
DELETE FROM batches
WHERE id = ?1
RETURNING dataset_id";

const DELETE_OF_DATASET: &str = "\
-- batches.delete_of_dataset
DELETE FROM batches
WHERE dataset_id = ?1";

#[async_trait]
impl Batches for SqliteStore {
    async fn create_batch(&self, batch: &BatchRow, run: Option<&RunRow>) -> Result<CreatedBatch, StoreError> {
        let (batch, run) = (batch.clone(), run.cloned());
        self.write(move |tx| {
            let key = [Some(batch.tenant.to_string()), batch.request_key.clone()];
            if let Some(existing) = first(tx, &BY_KEY, key, record)? {
                return Ok(CreatedBatch::Existing(existing));
            }
            execute(tx, &INSERT, params_from_iter(inserted::<BatchRow>(&batch)))?;
            if let Some(run) = &run {
                run_writer::create(tx, run)?;
            }
            Ok(CreatedBatch::New(batch))
        })
        .await
    }

    async fn batch(&self, id: RunId) -> Result<BatchRow, StoreError> {
        let found = self.read(move |db| first(db, &GET, [blob(id.uuid())], record)).await?;
        found.ok_or_else(|| StoreError::not_found("batch", id))
    }

    async fn batches(
        &self,
        tenant: Option<&Tenant>,
        protocol: BatchProtocol,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<BatchRow>, StoreError> {
        let before = blob(before.map_or(Uuid::max(), RunId::uuid));
        let tenant = tenant.map(ToString::to_string);
        self.read(move |db| all(db, &PAGE, params![before, limit, protocol.as_str(), tenant], record)).await
    }

    async fn newest_batch(
        &self,
        content: &BatchContent,
        since: Timestamp,
    ) -> Result<Option<BatchRow>, StoreError> {
        let content = content.clone();
        self.read(move |db| {
            let token = content.token_id.map(|id| blob(id.uuid()));
            let dataset = content.dataset_id.map(|id| blob(id.uuid()));
            first(
                db,
                &NEWEST_OF,
                params![
                    content.version_hash,
                    content.tenant.as_str(),
                    token,
                    dataset,
                    content.protocol.as_str(),
                    content.endpoint,
                    time(since),
                ],
                record,
            )
        })
        .await
    }

    async fn overdue_batches(&self, now: Timestamp, limit: u32) -> Result<Vec<RunId>, StoreError> {
        self.read(move |db| all(db, OVERDUE, params![time(now), limit], |row| row.cell("id"))).await
    }

    async fn expire_batch(&self, id: RunId, now: Timestamp) -> Result<(), StoreError> {
        self.change(EXPIRE, id, time(now)).await
    }

    async fn hide_results(&self, id: RunId, file: ResultFile) -> Result<(), StoreError> {
        self.change(HIDE, id, i64::from(file == ResultFile::Output)).await
    }
}

impl SqliteStore {
    /// Changes one batch by a statement that takes its id and a number.
    async fn change(&self, statement: &'static str, id: RunId, value: i64) -> Result<(), StoreError> {
        let changed =
            self.write(move |tx| Ok(execute(tx, statement, params![blob(id.uuid()), value])?)).await?;
        if changed == 0 { Err(StoreError::not_found("batch", id)) } else { Ok(()) }
    }
}

/// Deletes the batch of a removed run, if it is one. Returns its input file.
pub fn delete(db: &Connection, id: RunId) -> Result<Option<DatasetId>, StoreError> {
    first(db, DELETE, [blob(id.uuid())], |row| row.cell("dataset_id"))
}

/// Deletes the batches of a dataset that is removed. They have no runs, because these would hold the dataset.
pub fn delete_of_dataset(db: &Connection, id: DatasetId) -> Result<(), StoreError> {
    execute(db, DELETE_OF_DATASET, [blob(id.uuid())])?;
    Ok(())
}
