//! Tables `datasets` and `dataset_items`.

use std::pin::pin;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::TryStreamExt as _;
use runmill_proto::{DatasetId, api::Dataset, message::JobItem};
use tokio_postgres::{Error, Row, binary_copy::BinaryCopyInWriter, types::Type};
use uuid::Uuid;

use super::{
    PgStore,
    error::violated,
    values::{Columns as _, bigint, integer, text},
};
use crate::{Datasets, Lines, NewDataset, StoreError, StoredItem, dataset::Counted};

const COPY_ITEMS: &str = "\
-- dataset_items.copy
COPY dataset_items (dataset_id, ordinal, item_id, body)
FROM STDIN (FORMAT binary)";

const INSERT: &str = "\
-- datasets.insert
INSERT INTO datasets (id, name, version_hash, item_count, created_at)
VALUES ($1, $2, $3, $4, $5)";

const GET: &str = "\
-- datasets.get
SELECT id, name, version_hash, item_count, created_at
FROM datasets
WHERE id = $1";

const BY_HASH: &str = "\
-- datasets.by_hash
SELECT id, name, version_hash, item_count, created_at
FROM datasets
WHERE version_hash = $1
ORDER BY id
LIMIT 1";

const PAGE: &str = "\
-- datasets.page
SELECT id, name, version_hash, item_count, created_at
FROM datasets
WHERE id > $1
ORDER BY id
LIMIT $2";

const ITEMS: &str = "\
-- dataset_items.page
SELECT item_id, body
FROM dataset_items
WHERE dataset_id = $1
  AND ordinal >= $2
ORDER BY ordinal
LIMIT $3";

const JOB_ITEMS: &str = "\
-- dataset_items.page_for_jobs
SELECT CASE WHEN octet_length(body) <= $4 /* inline_max_bytes */ THEN body END AS body
FROM dataset_items
WHERE dataset_id = $1
  AND ordinal >= $2
ORDER BY ordinal
LIMIT $3";

#[async_trait]
impl Datasets for PgStore {
    async fn create_dataset(&self, new: NewDataset, lines: Lines<'_>) -> Result<Dataset, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let counted = copy_items(&tx, new.id, lines).await?;
        let dataset = counted.finish(new)?;
        let statement = tx.prepare_cached(INSERT).await?;
        tx.execute(
            &statement,
            &[
                &dataset.id.uuid(),
                &text(&dataset.name),
                &dataset.version_hash,
                &bigint(dataset.item_count),
                &dataset.created_at,
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(dataset)
    }

    async fn dataset(&self, id: DatasetId) -> Result<Dataset, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(GET).await?;
        let row = client.query_opt(&statement, &[&id.uuid()]).await?;
        dataset(&row.ok_or_else(|| not_found(id))?)
    }

    async fn dataset_by_hash(&self, version_hash: &str) -> Result<Option<Dataset>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(BY_HASH).await?;
        client.query_opt(&statement, &[&text(version_hash)]).await?.as_ref().map(dataset).transpose()
    }

    async fn datasets(&self, after: Option<DatasetId>, limit: u32) -> Result<Vec<Dataset>, StoreError> {
        let after = after.map_or(Uuid::nil(), DatasetId::uuid);
        let client = self.client().await?;
        let statement = client.prepare_cached(PAGE).await?;
        client.query(&statement, &[&after, &i64::from(limit)]).await?.iter().map(dataset).collect()
    }

    async fn items(&self, id: DatasetId, from: u32, limit: u32) -> Result<Vec<StoredItem>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(ITEMS).await?;
        let rows = client.query(&statement, &[&id.uuid(), &integer(from), &i64::from(limit)]).await?;
        rows.iter()
            .map(|row| Ok(StoredItem { item_id: row.try_get("item_id")?, body: row.try_get("body")? }))
            .collect()
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

/// Copies `lines` as they come. The server's pace is the caller's: what is on the way is a few kilobytes.
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

/// The server names the line of the copy whose id was there before.
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

/// The first number of `COPY dataset_items, line 3`, which is said in the server's language.
fn line_number(place: &str) -> Option<u64> {
    let digits = place.split(|c: char| !c.is_ascii_digit());
    digits.filter(|digits| !digits.is_empty()).find_map(|digits| digits.parse().ok())
}

pub fn not_found(id: DatasetId) -> StoreError {
    StoreError::NotFound { what: "dataset", id: id.to_string() }
}

fn dataset(row: &Row) -> Result<Dataset, StoreError> {
    Ok(Dataset {
        id: DatasetId::from_uuid(row.try_get("id")?),
        name: row.try_get("name")?,
        version_hash: row.try_get("version_hash")?,
        item_count: row.count("item_count")?,
        created_at: row.try_get("created_at")?,
    })
}
