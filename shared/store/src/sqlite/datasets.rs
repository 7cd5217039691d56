//! Tables `datasets`, `dataset_items` and `uploads`.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use runmill_proto::{
    DatasetId, Tenant,
    api::Dataset,
    message::{EvaluatedSample, JobItem},
};
use rusqlite::{Connection, Error, Row, params, params_from_iter};
use uuid::Uuid;

use super::{
    SqliteStore,
    error::{is_dangling, is_taken},
    values::{Cell as _, all, blob, execute, first, int, record},
    writer::Writer,
};
use crate::{
    DatasetReader, DatasetWriter, ItemReader, Lines, NewDataset, StoreError, StoredItem,
    columns::{
        Dialect, inserted,
        sql::{Sql, insert, select},
    },
    dataset::{Counted, REPEATED_ID, in_use},
};

const BEGIN_UPLOAD: &str = "\
-- uploads.begin
INSERT INTO uploads (dataset_id)
VALUES (?1)";

const END_UPLOAD: &str = "\
-- uploads.end
DELETE FROM uploads
WHERE dataset_id = ?1";

const UPLOADS: &str = "\
-- uploads.all
SELECT dataset_id
FROM uploads";

const INSERT_ITEM: &str = "\
-- dataset_items.insert
INSERT INTO dataset_items (dataset_id, ordinal, item_id, body)
VALUES (?1, ?2, ?3, ?4)";

const ENSURE_ITEM: &str = "\
-- dataset_items.ensure
INSERT INTO dataset_items (dataset_id, ordinal, item_id, body)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO NOTHING";

const SET_VERSION: &str = "\
-- datasets.set_version
UPDATE datasets
SET item_count = ?2,
    version_hash = coalesce(?3, version_hash)
WHERE id = ?1";

const DELETE_ITEM: &str = "\
-- dataset_items.delete_one
DELETE FROM dataset_items
WHERE dataset_id = ?1
  AND item_id = ?2";

const DELETE_ITEMS: &str = "\
-- dataset_items.delete
DELETE FROM dataset_items
WHERE dataset_id = ?1";

const DELETE: &str = "\
-- datasets.delete
DELETE FROM datasets
WHERE id = ?1";

const ITEMS: &str = "\
-- dataset_items.page
SELECT item_id, body
FROM dataset_items
WHERE dataset_id = ?1
  AND ordinal >= ?2
ORDER BY ordinal
LIMIT ?3";

const ITEM_AT: &str = "\
-- dataset_items.at
SELECT item_id, body
FROM dataset_items
WHERE dataset_id = ?1
  AND ordinal = ?2";

const JOB_ITEMS: &str = "\
-- dataset_items.page_for_jobs
SELECT CASE WHEN octet_length(body) <= ?4 /* inline_max_bytes */ THEN body END AS body
FROM dataset_items
WHERE dataset_id = ?1
  AND ordinal >= ?2
ORDER BY ordinal
LIMIT ?3";

static INSERT: Sql = Sql::new(|| insert::<Dataset>(Dialect::Sqlite, "datasets.insert", "datasets", ""));

static ENSURE: Sql =
    Sql::new(|| insert::<Dataset>(Dialect::Sqlite, "datasets.ensure", "datasets", "ON CONFLICT DO NOTHING"));

static GET: Sql = Sql::new(|| select::<Dataset>("datasets.get", "datasets", "WHERE id = ?1"));

static BY_HASH: Sql = Sql::new(|| {
    let rest = "WHERE version_hash = ?1\n  AND tenant = ?2\nORDER BY id\nLIMIT 1";
    select::<Dataset>("datasets.by_hash", "datasets", rest)
});

static PAGE: Sql =
    Sql::new(|| select::<Dataset>("datasets.page", "datasets", "WHERE id > ?1\nORDER BY id\nLIMIT ?2"));

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "WHERE tenant = ?3\n  AND id > ?1\nORDER BY id\nLIMIT ?2";
    select::<Dataset>("datasets.page_of_tenant", "datasets", rest)
});

/// Bounds of one transaction of an upload, which takes some ten milliseconds of the writer's time.
const CHUNK_ITEMS_MAX: usize = 4_000;
const CHUNK_BYTES_MAX: usize = 1024 * 1024;

#[async_trait]
impl DatasetReader for SqliteStore {
    async fn dataset(&self, id: DatasetId) -> Result<Dataset, StoreError> {
        let found = self.read(move |db| first(db, &GET, [blob(id.uuid())], record)).await?;
        found.ok_or_else(|| StoreError::not_found("dataset", id))
    }

    async fn dataset_by_hash(
        &self,
        tenant: &Tenant,
        version_hash: &str,
    ) -> Result<Option<Dataset>, StoreError> {
        let asked = [version_hash.to_owned(), tenant.to_string()];
        self.read(move |db| first(db, &BY_HASH, asked, record)).await
    }

    async fn datasets(
        &self,
        tenant: Option<&Tenant>,
        after: Option<DatasetId>,
        limit: u32,
    ) -> Result<Vec<Dataset>, StoreError> {
        let after = after.map_or(Uuid::nil(), DatasetId::uuid);
        self.page((&PAGE, &PAGE_OF_TENANT), tenant, after, limit).await
    }
}

#[async_trait]
impl ItemReader for SqliteStore {
    async fn items(&self, id: DatasetId, from: u32, limit: u32) -> Result<Vec<StoredItem>, StoreError> {
        self.read(move |db| all(db, ITEMS, params![blob(id.uuid()), from, limit], stored_item)).await
    }

    async fn items_at(
        &self,
        id: DatasetId,
        ordinals: &[u32],
    ) -> Result<HashMap<u32, StoredItem>, StoreError> {
        let ordinals = ordinals.to_vec();
        self.read(move |db| {
            let mut items = HashMap::with_capacity(ordinals.len());
            for ordinal in ordinals {
                let found = all(db, ITEM_AT, params![blob(id.uuid()), ordinal], stored_item)?;
                items.extend(found.into_iter().map(|item| (ordinal, item)));
            }
            Ok(items)
        })
        .await
    }

    async fn job_items(&self, id: DatasetId, from: u32, limit: u32) -> Result<Vec<JobItem>, StoreError> {
        self.read(move |db| {
            all(db, JOB_ITEMS, params![blob(id.uuid()), from, limit, JobItem::INLINE_MAX_BYTES], |row| {
                let body: Option<String> = row.get("body")?;
                Ok(body.map_or(JobItem::Reference(id), JobItem::Inline))
            })
        })
        .await
    }
}

#[async_trait]
impl DatasetWriter for SqliteStore {
    async fn create_dataset(&self, new: NewDataset, mut lines: Lines<'_>) -> Result<Dataset, StoreError> {
        let upload = Upload::begin(self, new.id).await?;
        let mut counted = Counted::default();
        let (mut chunk, mut is_last) = next_chunk(&mut counted, &mut lines).await?;
        while !is_last {
            // The writer's thread inserts while this one reads.
            let (inserted, next) = tokio::join!(upload.insert(chunk), next_chunk(&mut counted, &mut lines));
            inserted?;
            (chunk, is_last) = next?;
        }
        upload.insert(chunk).await?;
        upload.finish(counted.finish(new)?).await
    }
}

/// A dataset that is being uploaded. Its items are deleted if this is dropped before the upload is finished.
struct Upload {
    writer: Arc<Writer>,
    id: DatasetId,
    is_finished: bool,
}

impl Upload {
    async fn begin(store: &SqliteStore, id: DatasetId) -> Result<Self, StoreError> {
        store.write(move |tx| Ok(execute(tx, BEGIN_UPLOAD, [blob(id.uuid())])?)).await?;
        Ok(Self { writer: store.writer.clone(), id, is_finished: false })
    }

    /// Inserts items, each with its ordinal.
    async fn insert(&self, chunk: Vec<(u32, StoredItem)>) -> Result<(), StoreError> {
        let id = self.id;
        self.writer
            .run(move |tx| {
                let mut statement = tx.prepare_cached(INSERT_ITEM)?;
                for (ordinal, item) in chunk {
                    statement
                        .execute(params![blob(id.uuid()), ordinal, item.item_id, item.body])
                        .map_err(|error| refused(error, ordinal))?;
                }
                Ok(())
            })
            .await
    }

    async fn finish(mut self, dataset: Dataset) -> Result<Dataset, StoreError> {
        let row = dataset.clone();
        self.writer
            .run(move |tx| {
                execute(tx, &INSERT, params_from_iter(inserted(&row)))?;
                Ok(execute(tx, END_UPLOAD, [blob(row.id.uuid())])?)
            })
            .await?;
        self.is_finished = true;
        Ok(dataset)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_finished {
            let id = blob(self.id.uuid());
            self.writer.try_run(move |tx| discard(tx, id));
        }
    }
}

/// Inserts a dataset of one item, unless it is there.
pub fn ensure(db: &Connection, (dataset, item): (Dataset, StoredItem)) -> Result<(), StoreError> {
    execute(db, &ENSURE, params_from_iter(inserted(&dataset)))?;
    execute(db, ENSURE_ITEM, params![blob(dataset.id.uuid()), 0, item.item_id, item.body])?;
    Ok(())
}

/// Replaces what a dataset has by one item.
pub fn reset(db: &Connection, (dataset, item): (Dataset, StoredItem)) -> Result<(), StoreError> {
    execute(db, DELETE_ITEMS, [blob(dataset.id.uuid())])?;
    set_version(db, dataset.id, 1, Some(&dataset.version_hash))?;
    ensure(db, (dataset, item))
}

fn stored_item(row: &Row<'_>) -> Result<StoredItem, StoreError> {
    Ok(StoredItem { item_id: row.cell("item_id")?, body: row.cell("body")? })
}

/// Inserts consecutive samples as items, unless they are there, in place of the item with the id `stand_in`.
pub fn insert_samples(
    db: &Connection,
    id: DatasetId,
    stand_in: &str,
    first: u32,
    samples: &[EvaluatedSample],
) -> Result<(), StoreError> {
    execute(db, DELETE_ITEM, params![blob(id.uuid()), stand_in])?;
    for (ordinal, sample) in (first..).zip(samples) {
        execute(db, ENSURE_ITEM, params![blob(id.uuid()), ordinal, sample.item_id, sample.body])?;
    }
    Ok(())
}

/// Sets the number of the items, and the version if it is known.
pub fn set_version(
    db: &Connection,
    id: DatasetId,
    items: u64,
    version_hash: Option<&str>,
) -> Result<(), StoreError> {
    execute(db, SET_VERSION, params![blob(id.uuid()), int(items), version_hash])?;
    Ok(())
}

/// Deletes the row of a dataset that no run uses.
pub fn delete(db: &Connection, id: DatasetId) -> Result<(), StoreError> {
    let deleted = execute(db, DELETE, [blob(id.uuid())])
        .map_err(|error| if is_dangling(&error) { in_use(id) } else { error.into() })?;
    if deleted == 0 { Err(StoreError::not_found("dataset", id)) } else { Ok(()) }
}

/// Deletes the items of uploads that an earlier process did not finish.
pub fn discard_unfinished(db: &Connection) -> Result<(), StoreError> {
    for id in all(db, UPLOADS, [], |row| row.cell("dataset_id"))? {
        discard(db, blob(id))?;
    }
    Ok(())
}

fn discard(db: &Connection, id: [u8; 16]) -> Result<(), StoreError> {
    execute(db, DELETE_ITEMS, [id])?;
    execute(db, END_UPLOAD, [id])?;
    Ok(())
}

/// Returns the next items with their ordinals, and true if there are no more.
async fn next_chunk(
    counted: &mut Counted,
    lines: &mut Lines<'_>,
) -> Result<(Vec<(u32, StoredItem)>, bool), StoreError> {
    let mut chunk = Vec::new();
    let mut bytes = 0;
    while chunk.len() < CHUNK_ITEMS_MAX && bytes < CHUNK_BYTES_MAX {
        let Some(item) = lines.try_next().await? else { return Ok((chunk, true)) };
        bytes += item.body.len();
        chunk.push((counted.add(&item)?, item));
    }
    Ok((chunk, false))
}

fn refused(error: Error, ordinal: u32) -> StoreError {
    if is_taken(&error, "dataset_items.item_id") {
        return StoreError::BadLine { line: u64::from(ordinal) + 1, reason: REPEATED_ID.to_owned() };
    }
    error.into()
}
