//! Table `deferred`.

use jiff::Timestamp;
use runmill_proto::{
    RunId,
    message::{Deferred, JobKey},
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PgStore,
    session::Transaction,
    values::{Cell as _, integer},
};
use crate::{DueJob, StoreError, time::micros};

const DUE: &str = "\
SELECT /* deferred.due */ run_id, ordinal, sample, attempt, failures, possible_copy, not_before
FROM deferred
WHERE run_id = $1
  AND not_before <= $2 /* now */
ORDER BY not_before, sample, ordinal
LIMIT $3";

const INSERT: &str = "\
INSERT /* deferred.insert */ INTO deferred (run_id, ordinal, sample, attempt, failures, not_before)
SELECT job.*
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::timestamptz[])
    AS job (run_id, ordinal, sample, attempt, failures, not_before)
WHERE NOT EXISTS (
    SELECT
    FROM results
    WHERE results.run_id = job.run_id
      AND results.ordinal = job.ordinal
      AND results.sample = job.sample
)
ON CONFLICT (run_id, ordinal, sample) DO UPDATE
SET attempt = excluded.attempt,
    failures = excluded.failures,
    possible_copy = false,
    not_before = excluded.not_before
WHERE deferred.attempt < excluded.attempt
RETURNING run_id, ordinal, sample, xmax = 0 AS is_new";

const INSERT_DUE: &str = "\
INSERT /* deferred.insert_due */ INTO deferred (run_id, ordinal, sample, attempt, not_before)
SELECT $1, job.ordinal, job.sample, 0, $4 /* now */
FROM unnest($2::integer[], $3::integer[]) AS job (ordinal, sample)
ON CONFLICT DO NOTHING";

const MAKE_DUE: &str = "\
UPDATE /* deferred.make_due */ deferred
SET not_before = $2 /* now */
WHERE run_id = $1
  AND not_before > $2";

const DELETE: &str = "\
DELETE /* deferred.delete */ FROM deferred
USING unnest($1::uuid[], $2::integer[], $3::integer[]) AS job (run_id, ordinal, sample)
WHERE deferred.run_id = job.run_id
  AND deferred.ordinal = job.ordinal
  AND deferred.sample = job.sample
RETURNING deferred.run_id, deferred.ordinal, deferred.sample";

const DELETE_FED: &str = "\
DELETE /* deferred.delete_fed */ FROM deferred
USING unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[]) AS job (run_id, ordinal, sample, attempt)
WHERE deferred.run_id = job.run_id
  AND deferred.ordinal = job.ordinal
  AND deferred.sample = job.sample
  AND deferred.attempt = job.attempt";

const DELETE_ALL: &str = "\
DELETE /* deferred.delete_all */ FROM deferred
WHERE run_id = $1";

/// Keys of jobs as one array for each column.
pub struct KeyColumns {
    pub run_id: Vec<Uuid>,
    pub ordinal: Vec<i32>,
    pub sample: Vec<i32>,
}

impl KeyColumns {
    pub fn new(keys: impl Iterator<Item = JobKey> + Clone) -> Self {
        Self {
            run_id: keys.clone().map(|key| key.run_id.uuid()).collect(),
            ordinal: keys.clone().map(|key| integer(key.ordinal)).collect(),
            sample: keys.map(|key| integer(key.sample)).collect(),
        }
    }
}

pub fn key(row: &Row) -> Result<JobKey, StoreError> {
    Ok(JobKey { run_id: row.cell("run_id")?, ordinal: row.cell("ordinal")?, sample: row.cell("sample")? })
}

pub async fn due(store: &PgStore, id: RunId, now: Timestamp, limit: u32) -> Result<Vec<DueJob>, StoreError> {
    let client = store.client().await?;
    let statement = client.prepare_cached(DUE).await?;
    let rows = client.query(&statement, &[&id.uuid(), &micros(now), &i64::from(limit)]).await?;
    rows.iter()
        .map(|row| {
            Ok(DueJob {
                key: key(row)?,
                attempt: row.cell("attempt")?,
                failures: row.cell("failures")?,
                possible_copy: row.cell("possible_copy")?,
                not_before: row.cell("not_before")?,
            })
        })
        .collect()
}

/// Inserts the deferrals of jobs without a result. Returns the jobs that were not yet deferred. The deferral of a
/// later attempt replaces that of an earlier one whose feeding was not recorded yet.
pub async fn insert(
    tx: &Transaction<'_>,
    deferrals: &[(&Deferred, Timestamp)],
) -> Result<Vec<JobKey>, StoreError> {
    if deferrals.is_empty() {
        return Ok(Vec::new());
    }
    let keys = KeyColumns::new(deferrals.iter().map(|(deferred, _)| deferred.key()));
    let attempts: Vec<i32> =
        deferrals.iter().map(|(deferred, _)| integer(deferred.attempt.saturating_add(1))).collect();
    let failures: Vec<i32> = deferrals.iter().map(|(deferred, _)| integer(deferred.failures)).collect();
    let not_before: Vec<Timestamp> = deferrals.iter().map(|(_, due)| micros(*due)).collect();
    let statement = tx.prepare_cached(INSERT).await?;
    let rows = tx
        .query(&statement, &[&keys.run_id, &keys.ordinal, &keys.sample, &attempts, &failures, &not_before])
        .await?;
    let mut inserted = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get("is_new")? {
            inserted.push(key(row)?);
        }
    }
    Ok(inserted)
}

/// Makes jobs due whose results were deleted, as if they had never been fed. Returns their number.
pub async fn insert_due(
    tx: &Transaction<'_>,
    id: RunId,
    jobs: &[JobKey],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let keys = KeyColumns::new(jobs.iter().copied());
    let statement = tx.prepare_cached(INSERT_DUE).await?;
    Ok(tx.execute(&statement, &[&id.uuid(), &keys.ordinal, &keys.sample, &micros(now)]).await?)
}

pub async fn make_due(tx: &Transaction<'_>, id: RunId, now: Timestamp) -> Result<u64, StoreError> {
    let statement = tx.prepare_cached(MAKE_DUE).await?;
    Ok(tx.execute(&statement, &[&id.uuid(), &micros(now)]).await?)
}

/// Deletes the deferrals of these jobs, where there are any. Returns the jobs that had one.
pub async fn delete(tx: &Transaction<'_>, jobs: &[JobKey]) -> Result<Vec<JobKey>, StoreError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let keys = KeyColumns::new(jobs.iter().copied());
    let statement = tx.prepare_cached(DELETE).await?;
    tx.query(&statement, &[&keys.run_id, &keys.ordinal, &keys.sample]).await?.iter().map(key).collect()
}

/// Deletes the deferrals of these jobs that were fed, if no later attempt deferred them anew. Returns their number.
pub async fn delete_fed(tx: &Transaction<'_>, jobs: &[DueJob]) -> Result<u64, StoreError> {
    if jobs.is_empty() {
        return Ok(0);
    }
    let keys = KeyColumns::new(jobs.iter().map(|job| job.key));
    let attempts: Vec<i32> = jobs.iter().map(|job| integer(job.attempt)).collect();
    let statement = tx.prepare_cached(DELETE_FED).await?;
    Ok(tx.execute(&statement, &[&keys.run_id, &keys.ordinal, &keys.sample, &attempts]).await?)
}

pub async fn delete_all(tx: &Transaction<'_>, id: RunId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(DELETE_ALL).await?;
    tx.execute(&statement, &[&id.uuid()]).await?;
    Ok(())
}
