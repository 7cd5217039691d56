//! Table `results`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, InvocationId, RunId,
    api::{InvocationRecord, ResultRecord},
    message::{Invocation, JobKey},
};
use rusqlite::{Connection, params, params_from_iter};
use serde_json::json;

use super::{
    SqliteStore,
    deferred::key,
    invocations,
    values::{all, blob, execute, record},
};
use crate::{
    ResultReader, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql, select},
    },
    tables::NewResult,
};

static INSERT: Sql = Sql::new(|| {
    let (name, rest) = ("results.insert", "ON CONFLICT DO NOTHING");
    sql::insert::<ResultRecord>(Dialect::Sqlite, name, "results", rest)
});

const DELETE_FAILED: &str = "\
-- results.delete_failed
DELETE FROM results
WHERE run_id = ?1
  AND outcome = 'failed'
  AND (?2 = '[]' OR error_kind IN (SELECT value FROM json_each(?2))) /* kinds */
RETURNING run_id, ordinal, sample";

static PAGE: Sql = Sql::new(|| {
    let rest = "\
WHERE run_id = ?1
  AND (ordinal, sample) > (?2, ?3) /* after */
ORDER BY ordinal, sample
LIMIT ?4";
    select::<ResultRecord>("results.page", "results", rest)
});

#[async_trait]
impl ResultReader for SqliteStore {
    async fn results(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError> {
        let (ordinal, sample) = after.map_or((-1, -1), |key| (i64::from(key.ordinal), i64::from(key.sample)));
        self.read(move |db| all(db, &PAGE, params![blob(id.uuid()), ordinal, sample, limit], record)).await
    }

    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        self.read(move |db| invocations::page(db, id, after, limit)).await
    }
}

/// Inserts the results of jobs that have none. Returns their jobs.
pub fn insert(
    db: &Connection,
    invocations: &[&Invocation],
    settled_at: Timestamp,
) -> Result<Vec<JobKey>, StoreError> {
    let mut inserted_jobs = Vec::with_capacity(invocations.len());
    for invocation in invocations {
        let row = NewResult { invocation, settled_at };
        if execute(db, &INSERT, params_from_iter(inserted::<ResultRecord>(&row)))? == 1 {
            inserted_jobs.push(invocation.key());
        }
    }
    Ok(inserted_jobs)
}

/// Deletes the results of jobs that failed with one of `kinds`, or of all failed jobs if it is empty. Returns the jobs.
pub fn delete_failed(
    db: &Connection,
    id: RunId,
    kinds: &BTreeSet<ErrorKind>,
) -> Result<Vec<JobKey>, StoreError> {
    all(db, DELETE_FAILED, params![blob(id.uuid()), json!(kinds).to_string()], key)
}
