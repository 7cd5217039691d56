//! Table `files`.

use async_trait::async_trait;
use runmill_proto::{DatasetId, Tenant};
use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

use super::{
    SqliteStore,
    values::{blob, execute, first, record},
};
use crate::{
    FileRow, Files, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql},
    },
};

static INSERT: Sql = Sql::new(|| sql::insert::<FileRow>(Dialect::Sqlite, "files.insert", "files", ""));

static GET: Sql = Sql::new(|| sql::select::<FileRow>("files.get", "files", "WHERE dataset_id = ?1"));

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE dataset_id < ?1 /* before */\n  AND hidden = 0\nORDER BY dataset_id DESC\nLIMIT ?2";
    sql::select::<FileRow>("files.page", "files", rest)
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "\
WHERE tenant = ?3
  AND dataset_id < ?1 /* before */
  AND hidden = 0
ORDER BY dataset_id DESC
LIMIT ?2";
    sql::select::<FileRow>("files.page_of_tenant", "files", rest)
});

const HIDE: &str = "\
-- files.hide
UPDATE files
SET hidden = 1
WHERE dataset_id = ?1";

const IS_UNNEEDED: &str = "\
-- files.is_unneeded
SELECT EXISTS (
        SELECT 1
        FROM files
        WHERE dataset_id = ?1
          AND hidden = 1
    )
    AND NOT EXISTS (
        SELECT 1
        FROM runs
        WHERE dataset_id = ?1
    )
    AND NOT EXISTS (
        SELECT 1
        FROM batches
        WHERE dataset_id = ?1
    )";

const DELETE: &str = "\
-- files.delete
DELETE FROM files
WHERE dataset_id = ?1";

#[async_trait]
impl Files for SqliteStore {
    async fn create_file(&self, row: &FileRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            execute(tx, &INSERT, params_from_iter(inserted::<FileRow>(&row)))?;
            Ok(())
        })
        .await
    }

    async fn file(&self, id: DatasetId) -> Result<FileRow, StoreError> {
        let found = self.read(move |db| first(db, &GET, [blob(id.uuid())], record)).await?;
        found.ok_or_else(|| StoreError::not_found("file", id))
    }

    async fn files(
        &self,
        tenant: Option<&Tenant>,
        before: Option<DatasetId>,
        limit: u32,
    ) -> Result<Vec<FileRow>, StoreError> {
        let before = before.map_or(Uuid::max(), DatasetId::uuid);
        self.page((&PAGE, &PAGE_OF_TENANT), tenant, before, limit).await
    }
}

/// Hides a file. Returns false if there is none.
pub fn hide(db: &Connection, id: DatasetId) -> Result<bool, StoreError> {
    Ok(execute(db, HIDE, [blob(id.uuid())])? > 0)
}

/// Returns true if the dataset is a hidden file that neither a run nor a batch uses.
pub fn is_unneeded(db: &Connection, id: DatasetId) -> Result<bool, StoreError> {
    Ok(db.prepare_cached(IS_UNNEEDED)?.query_row([blob(id.uuid())], |row| row.get(0))?)
}

pub fn delete(db: &Connection, id: DatasetId) -> Result<(), StoreError> {
    execute(db, DELETE, [blob(id.uuid())])?;
    Ok(())
}
