//! Tables `datasets` and `dataset_items`.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    time::Duration,
};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use runmill_proto::{
    DatasetId, Tenant,
    api::Dataset,
    message::{EvaluatedSample, JobItem},
};
use tokio::time::timeout;
use tokio_postgres::{Error, Row, binary_copy::BinaryCopyInWriter, types::Type};
use uuid::Uuid;

use super::{
    PgStore,
    error::violated,
    session::Transaction,
    values::{Cell as _, bigint, integer, parameters, record, text},
};
use crate::{
    DatasetReader, DatasetWriter, ItemReader, Lines, NewDataset, StoreError, StoredItem,
    columns::{
        Dialect, inserted,
        sql::{Sql, insert, select},
    },
    dataset::{Counted, in_use},
};

const COPY_ITEMS: &str = "\
COPY /* dataset_items.copy */ dataset_items (dataset_id, ordinal, item_id, body)
FROM STDIN (FORMAT binary)";

/// Rows that are there already are left out of the answer.
const INSERT_ITEMS: &str = "\
INSERT /* dataset_items.insert */ INTO dataset_items (dataset_id, ordinal, item_id, body)
SELECT $1, line.*
FROM unnest($2::integer[], $3::text[], $4::text[]) AS line (ordinal, item_id, body)
ON CONFLICT DO NOTHING
RETURNING ordinal";

static INSERT: Sql = Sql::new(|| insert::<Dataset>(Dialect::Postgres, "datasets.insert", "datasets", ""));

static ENSURE: Sql = Sql::new(|| {
    insert::<Dataset>(Dialect::Postgres, "datasets.ensure", "datasets", "ON CONFLICT DO NOTHING")
});

static GET: Sql = Sql::new(|| select::<Dataset>("datasets.get", "datasets", "WHERE id = $1"));

static BY_HASH: Sql = Sql::new(|| {
    let rest = "WHERE version_hash = $1\n  AND tenant = $2\nORDER BY id\nLIMIT 1";
    select::<Dataset>("datasets.by_hash", "datasets", rest)
});

static PAGE: Sql =
    Sql::new(|| select::<Dataset>("datasets.page", "datasets", "WHERE id > $1\nORDER BY id\nLIMIT $2"));

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "WHERE tenant = $3\n  AND id > $1\nORDER BY id\nLIMIT $2";
    select::<Dataset>("datasets.page_of_tenant", "datasets", rest)
});

const SET_VERSION: &str = "\
UPDATE /* datasets.set_version */ datasets
SET item_count = $2,
    version_hash = coalesce($3, version_hash)
WHERE id = $1";

const CLEAR_ITEMS: &str = "\
DELETE /* dataset_items.clear */ FROM dataset_items
WHERE dataset_id = $1";

const DELETE_ITEM: &str = "\
DELETE /* dataset_items.delete_one */ FROM dataset_items
WHERE dataset_id = $1
  AND item_id = $2";

const DELETE: &str = "\
DELETE /* datasets.delete */ FROM datasets
WHERE id = $1";

const ITEMS: &str = "\
SELECT /* dataset_items.page */ item_id, body
FROM dataset_items
WHERE dataset_id = $1
  AND ordinal >= $2
ORDER BY ordinal
LIMIT $3";

const ITEMS_AT: &str = "\
SELECT /* dataset_items.at */ ordinal, item_id, body
FROM dataset_items
WHERE dataset_id = $1
  AND ordinal = ANY ($2)";

const JOB_ITEMS: &str = "\
SELECT /* dataset_items.page_for_jobs */ CASE WHEN octet_length(body) <= $4 /* inline_max_bytes */ THEN body END AS body
FROM dataset_items
WHERE dataset_id = $1
  AND ordinal >= $2
ORDER BY ordinal
LIMIT $3";

#[async_trait]
impl DatasetReader for PgStore {
    async fn dataset(&self, id: DatasetId) -> Result<Dataset, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&GET).await?;
        let row = client.query_opt(&statement, &[&id.uuid()]).await?;
        record(&row.ok_or_else(|| StoreError::not_found("dataset", id))?)
    }

    async fn dataset_by_hash(
        &self,
        tenant: &Tenant,
        version_hash: &str,
    ) -> Result<Option<Dataset>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&BY_HASH).await?;
        let row = client.query_opt(&statement, &[&text(version_hash), &tenant.as_str()]).await?;
        row.as_ref().map(record).transpose()
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
impl ItemReader for PgStore {
    async fn items(&self, id: DatasetId, from: u32, limit: u32) -> Result<Vec<StoredItem>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(ITEMS).await?;
        let rows = client.query(&statement, &[&id.uuid(), &integer(from), &i64::from(limit)]).await?;
        rows.iter().map(stored_item).collect()
    }

    async fn items_at(
        &self,
        id: DatasetId,
        ordinals: &[u32],
    ) -> Result<HashMap<u32, StoredItem>, StoreError> {
        let ordinals: Vec<_> = ordinals.iter().copied().map(integer).collect();
        let client = self.client().await?;
        let statement = client.prepare_cached(ITEMS_AT).await?;
        let rows = client.query(&statement, &[&id.uuid(), &ordinals]).await?;
        rows.iter().map(|row| Ok((row.cell("ordinal")?, stored_item(row)?))).collect()
    }

    async fn job_items(&self, id: DatasetId, from: u32, limit: u32) -> Result<Vec<JobItem>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(JOB_ITEMS).await?;
        let inline_max = integer(JobItem::INLINE_MAX_BYTES);
        let rows =
            client.query(&statement, &[&id.uuid(), &integer(from), &i64::from(limit), &inline_max]).await?;
        rows.iter()
            .map(|row| {
                let body: Option<String> = row.try_get("body")?;
                Ok(body.map_or(JobItem::Reference(id), JobItem::Inline))
            })
            .collect()
    }
}

#[async_trait]
impl DatasetWriter for PgStore {
    async fn create_dataset(&self, new: NewDataset, lines: Lines<'_>) -> Result<Dataset, StoreError> {
        let place = timeout(UPLOAD_WAIT, self.uploads.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(StoreError::Unavailable(
                "as many datasets are being uploaded as may be at once; upload this one again".to_owned(),
            ));
        };
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        tx.batch_execute(NO_TIME_LIMITS).await?;
        let counted = if tx.is_pooled() {
            insert_items(&tx, new.id, lines).await?
        } else {
            copy_items(&tx, new.id, lines).await?
        };
        let dataset = counted.finish(new)?;
        let statement = tx.prepare_cached(&INSERT).await?;
        tx.execute(&statement, &parameters(&inserted(&dataset))).await?;
        tx.commit().await?;
        Ok(dataset)
    }
}

/// Inserts a dataset of one item, unless it is there.
pub async fn ensure(tx: &Transaction<'_>, (dataset, item): (Dataset, StoredItem)) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(&ENSURE).await?;
    tx.execute(&statement, &parameters(&inserted(&dataset))).await?;
    let statement = tx.prepare_cached(INSERT_ITEMS).await?;
    tx.query(&statement, &[&dataset.id.uuid(), &vec![0_i32], &vec![item.item_id], &vec![item.body]]).await?;
    Ok(())
}

/// Replaces what a dataset has by one item.
pub async fn reset(tx: &Transaction<'_>, (dataset, item): (Dataset, StoredItem)) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(CLEAR_ITEMS).await?;
    tx.execute(&statement, &[&dataset.id.uuid()]).await?;
    set_version(tx, dataset.id, 1, Some(&dataset.version_hash)).await?;
    ensure(tx, (dataset, item)).await
}

fn stored_item(row: &Row) -> Result<StoredItem, StoreError> {
    Ok(StoredItem { item_id: row.try_get("item_id")?, body: row.try_get("body")? })
}

/// Inserts consecutive samples as items, unless they are there, in place of the item with the id `stand_in`.
pub async fn insert_samples(
    tx: &Transaction<'_>,
    id: DatasetId,
    stand_in: &str,
    first: u32,
    samples: &[EvaluatedSample],
) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(DELETE_ITEM).await?;
    tx.execute(&statement, &[&id.uuid(), &stand_in]).await?;
    let ordinals: Vec<_> = (first..).zip(samples).map(|(ordinal, _)| integer(ordinal)).collect();
    let ids: Vec<_> = samples.iter().map(|sample| text(&sample.item_id)).collect();
    let bodies: Vec<_> = samples.iter().map(|sample| text(&sample.body)).collect();
    let statement = tx.prepare_cached(INSERT_ITEMS).await?;
    tx.query(&statement, &[&id.uuid(), &ordinals, &ids, &bodies]).await?;
    Ok(())
}

/// Sets the number of the items, and the version if it is known.
pub async fn set_version(
    tx: &Transaction<'_>,
    id: DatasetId,
    items: u64,
    version_hash: Option<&str>,
) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(SET_VERSION).await?;
    tx.execute(&statement, &[&id.uuid(), &bigint(items), &version_hash]).await?;
    Ok(())
}

/// Deletes the row of a dataset that no run uses.
pub async fn delete(tx: &Transaction<'_>, id: DatasetId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(DELETE).await?;
    let deleted = tx.execute(&statement, &[&id.uuid()]).await.map_err(|error| match violated(&error) {
        Some("runs_dataset_exists") => in_use(id),
        _ => error.into(),
    })?;
    if deleted == 0 { Err(StoreError::not_found("dataset", id)) } else { Ok(()) }
}

/// Longest wait for the end of another upload.
const UPLOAD_WAIT: Duration = Duration::from_secs(10);

/// An upload goes on as long as its client sends.
const NO_TIME_LIMITS: &str = "\
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0";

/// Number of lines, and of their bytes, that one statement inserts.
const CHUNK_LINES: usize = 500;
const CHUNK_BYTES: usize = 4 << 20;

/// Lines that one statement inserts.
#[derive(Default)]
struct Chunk {
    ordinals: Vec<i32>,
    ids: Vec<String>,
    bodies: Vec<String>,
    bytes: usize,
}

/// Inserts `lines` in chunks as they arrive.
async fn insert_items(
    tx: &Transaction<'_>,
    id: DatasetId,
    mut lines: Lines<'_>,
) -> Result<Counted, StoreError> {
    let (mut counted, mut chunk) = (Counted::default(), Chunk::default());
    while let Some(line) = lines.try_next().await? {
        let ordinal = counted.add(&line)?;
        chunk.bytes += line.body.len();
        chunk.ordinals.push(integer(ordinal));
        chunk.ids.push(text(&line.item_id).into_owned());
        chunk.bodies.push(text(&line.body).into_owned());
        if chunk.ordinals.len() >= CHUNK_LINES || chunk.bytes >= CHUNK_BYTES {
            insert_chunk(tx, id, std::mem::take(&mut chunk)).await?;
        }
    }
    insert_chunk(tx, id, chunk).await?;
    Ok(counted)
}

/// Inserts a chunk. Returns an error with the first line whose id occurs twice.
async fn insert_chunk(tx: &Transaction<'_>, id: DatasetId, chunk: Chunk) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(INSERT_ITEMS).await?;
    let rows = tx.query(&statement, &[&id.uuid(), &chunk.ordinals, &chunk.ids, &chunk.bodies]).await?;
    let inserted: Result<HashSet<i32>, _> = rows.iter().map(|row| row.try_get("ordinal")).collect();
    let inserted = inserted?;
    let repeated = chunk.ordinals.iter().filter(|ordinal| !inserted.contains(ordinal)).min();
    repeated.map_or(Ok(()), |ordinal| {
        let line = u64::try_from(*ordinal).unwrap_or_default() + 1;
        Err(StoreError::BadLine { line, reason: crate::dataset::REPEATED_ID.to_owned() })
    })
}

/// Copies `lines` as they arrive, as fast as the server accepts them. Only a few kilobytes are buffered.
async fn copy_items(
    tx: &Transaction<'_>,
    id: DatasetId,
    mut lines: Lines<'_>,
) -> Result<Counted, StoreError> {
    let types = [Type::UUID, Type::INT4, Type::TEXT, Type::TEXT];
    let mut writer = pin!(BinaryCopyInWriter::new(tx.copy_in(COPY_ITEMS).await?, &types));
    let mut counted = Counted::default();
    while let Some(line) = lines.try_next().await? {
        let ordinal = counted.add(&line)?;
        let (id, ordinal) = (id.uuid(), integer(ordinal));
        let (item_id, body) = (text(&line.item_id), text(&line.body));
        writer.as_mut().write(&[&id, &ordinal, &item_id, &body]).await.map_err(refused)?;
    }
    writer.finish().await.map_err(refused)?;
    Ok(counted)
}

/// Converts PostgreSQL's error for an item id that occurs twice into an error with the line of the dataset, which
/// PostgreSQL names.
fn refused(error: Error) -> StoreError {
    if violated(&error) != Some("dataset_items_item_id_unique") {
        return error.into();
    }
    let place = error.as_db_error().and_then(|error| error.where_()).unwrap_or_default();
    match line_number(place) {
        Some(line) => StoreError::BadLine { line, reason: crate::dataset::REPEATED_ID.to_owned() },
        None => error.into(),
    }
}

/// Returns the first number of a text like `COPY dataset_items, line 3`, which is in the server's language.
fn line_number(place: &str) -> Option<u64> {
    let digits = place.split(|c: char| !c.is_ascii_digit());
    digits.filter(|digits| !digits.is_empty()).find_map(|digits| digits.parse().ok())
}
