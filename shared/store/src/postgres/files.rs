//! Table `files`.

use async_trait::async_trait;
use runmill_proto::{DatasetId, Tenant};
use uuid::Uuid;

use super::{
    PgStore,
    session::Transaction,
    values::{parameters, record},
};
use crate::{
    FileRow, Files, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql},
    },
};

static INSERT: Sql = Sql::new(|| sql::insert::<FileRow>(Dialect::Postgres, "files.insert", "files", ""));

static GET: Sql = Sql::new(|| sql::select::<FileRow>("files.get", "files", "WHERE dataset_id = $1"));

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE dataset_id < $1 /* before */\n  AND NOT hidden\nORDER BY dataset_id DESC\nLIMIT $2";
    sql::select::<FileRow>("files.page", "files", rest)
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "\
WHERE tenant = $3
  AND dataset_id < $1 /* before */
  AND NOT hidden
ORDER BY dataset_id DESC
LIMIT $2";
    sql::select::<FileRow>("files.page_of_tenant", "files", rest)
});

const HIDE: &str = "\
UPDATE /* files.hide */ files
SET hidden = true
WHERE dataset_id = $1";

const IS_UNNEEDED: &str = "\
SELECT /* files.is_unneeded */ EXISTS (
        SELECT
        FROM files
        WHERE dataset_id = $1
          AND hidden
    )
    AND NOT EXISTS (
        SELECT
        FROM runs
        WHERE dataset_id = $1
    )
    AND NOT EXISTS (
        SELECT
        FROM batches
        WHERE dataset_id = $1
    )";

const DELETE: &str = "\
DELETE /* files.delete */ FROM files
WHERE dataset_id = $1";

#[async_trait]
impl Files for PgStore {
    async fn create_file(&self, row: &FileRow) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&INSERT).await?;
        client.execute(&statement, &parameters(&inserted::<FileRow>(row))).await?;
        Ok(())
    }

    async fn file(&self, id: DatasetId) -> Result<FileRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&GET).await?;
        let row = client.query_opt(&statement, &[&id.uuid()]).await?;
        record(&row.ok_or_else(|| StoreError::not_found("file", id))?)
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
pub async fn hide(tx: &Transaction<'_>, id: DatasetId) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(HIDE).await?;
    Ok(tx.execute(&statement, &[&id.uuid()]).await? > 0)
}

/// Returns true if the dataset is a hidden file that neither a run nor a batch uses.
pub async fn is_unneeded(tx: &Transaction<'_>, id: DatasetId) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(IS_UNNEEDED).await?;
    Ok(tx.query_one(&statement, &[&id.uuid()]).await?.try_get(0)?)
}

pub async fn delete(tx: &Transaction<'_>, id: DatasetId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(DELETE).await?;
    tx.execute(&statement, &[&id.uuid()]).await?;
    Ok(())
}
