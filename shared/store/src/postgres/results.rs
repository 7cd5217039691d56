//! Table `results`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, InvocationId, RunId,
    api::{InvocationRecord, ResultRecord},
    message::{Invocation, JobKey},
};

use super::{
    PgStore,
    deferred::key,
    invocations,
    session::Transaction,
    values::{arrays, integer, parameters, record},
};
use crate::{
    ResultReader, StoreError,
    columns::sql::{Sql, insert_arrays, select},
    tables::NewResult,
    time::micros,
};

static INSERT: Sql = Sql::new(|| {
    let rest = "ON CONFLICT DO NOTHING\nRETURNING run_id, ordinal, sample";
    insert_arrays::<ResultRecord>("results.insert", "results", rest)
});

const DELETE_FAILED: &str = "\
DELETE /* results.delete_failed */ FROM results
WHERE run_id = $1
  AND outcome = 'failed'
  AND (cardinality($2::text[]) = 0 OR error_kind = ANY ($2)) /* kinds */
RETURNING run_id, ordinal, sample";

static PAGE: Sql = Sql::new(|| {
    let rest = "\
WHERE run_id = $1
  AND (ordinal, sample) > ($2, $3) /* after */
ORDER BY ordinal, sample
LIMIT $4";
    select::<ResultRecord>("results.page", "results", rest)
});

#[async_trait]
impl ResultReader for PgStore {
    async fn results(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError> {
        let (ordinal, sample) = after.map_or((-1, -1), |key| (integer(key.ordinal), integer(key.sample)));
        let client = self.client().await?;
        let statement = client.prepare_cached(&PAGE).await?;
        let rows = client.query(&statement, &[&id.uuid(), &ordinal, &sample, &i64::from(limit)]).await?;
        rows.iter().map(record).collect()
    }

    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        invocations::page(self, id, after, limit).await
    }
}

/// Inserts the results of jobs that have none. Returns their jobs.
pub async fn insert(
    tx: &Transaction<'_>,
    invocations: &[&Invocation],
    now: Timestamp,
) -> Result<Vec<JobKey>, StoreError> {
    if invocations.is_empty() {
        return Ok(Vec::new());
    }
    let settled_at = micros(now);
    let rows: Vec<_> = invocations.iter().map(|invocation| NewResult { invocation, settled_at }).collect();
    let columns = arrays::<ResultRecord, _>(&rows);
    let statement = tx.prepare_cached(&INSERT).await?;
    tx.query(&statement, &parameters(&columns)).await?.iter().map(key).collect()
}

/// Deletes the results of jobs that failed with one of `kinds`, or of all failed jobs if it is empty. Returns the jobs.
pub async fn delete_failed(
    tx: &Transaction<'_>,
    id: RunId,
    kinds: &BTreeSet<ErrorKind>,
) -> Result<Vec<JobKey>, StoreError> {
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    let statement = tx.prepare_cached(DELETE_FAILED).await?;
    tx.query(&statement, &[&id.uuid(), &kinds]).await?.iter().map(key).collect()
}
