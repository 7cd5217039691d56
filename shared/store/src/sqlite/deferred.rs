//! Table `deferred`.

use jiff::Timestamp;
use runmill_proto::{
    RunId,
    message::{Deferred, JobKey},
};
use rusqlite::{Connection, Row, params};

use super::values::{Cell as _, all, blob, execute, time};
use crate::{DueJob, StoreError};

const DUE: &str = "\
-- deferred.due
SELECT run_id, ordinal, sample, attempt, failures, possible_copy, not_before
FROM deferred
WHERE run_id = ?1
  AND not_before <= ?2 /* now */
ORDER BY not_before, sample, ordinal
LIMIT ?3";

const INSERT: &str = "\
-- deferred.insert
INSERT INTO deferred (run_id, ordinal, sample, attempt, failures, not_before)
SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE NOT EXISTS (
    SELECT 1
    FROM results
    WHERE run_id = ?1
      AND ordinal = ?2
      AND sample = ?3
)
ON CONFLICT DO NOTHING";

const REPLACE: &str = "\
-- deferred.replace
UPDATE deferred
SET attempt = ?4,
    failures = ?5,
    possible_copy = 0,
    not_before = ?6
WHERE run_id = ?1
  AND ordinal = ?2
  AND sample = ?3
  AND attempt < ?4";

const MAKE_DUE: &str = "\
-- deferred.make_due
UPDATE deferred
SET not_before = ?2 /* now */
WHERE run_id = ?1
  AND not_before > ?2";

const DELETE: &str = "\
-- deferred.delete
DELETE FROM deferred
WHERE run_id = ?1
  AND ordinal = ?2
  AND sample = ?3";

const DELETE_FED: &str = "\
-- deferred.delete_fed
DELETE FROM deferred
WHERE run_id = ?1
  AND ordinal = ?2
  AND sample = ?3
  AND attempt = ?4";

const DELETE_ALL: &str = "\
-- deferred.delete_all
DELETE FROM deferred
WHERE run_id = ?1";

pub fn key(row: &Row<'_>) -> Result<JobKey, StoreError> {
    Ok(JobKey { run_id: row.cell("run_id")?, ordinal: row.cell("ordinal")?, sample: row.cell("sample")? })
}

pub fn due(db: &Connection, id: RunId, now: Timestamp, limit: u32) -> Result<Vec<DueJob>, StoreError> {
    all(db, DUE, params![blob(id.uuid()), time(now), limit], |row| {
        Ok(DueJob {
            key: key(row)?,
            attempt: row.cell("attempt")?,
            failures: row.cell("failures")?,
            possible_copy: row.cell("possible_copy")?,
            not_before: row.cell("not_before")?,
        })
    })
}

/// Inserts the deferrals of jobs without a result. Returns the jobs that were not yet deferred. The deferral of a
/// later attempt replaces that of an earlier one whose feeding was not recorded yet.
pub fn insert(db: &Connection, deferrals: &[(&Deferred, Timestamp)]) -> Result<Vec<JobKey>, StoreError> {
    let mut inserted = Vec::new();
    for (deferred, due) in deferrals {
        let (attempt, failures) = (deferred.attempt.saturating_add(1), deferred.failures);
        let job = DueJob { key: deferred.key(), attempt, failures, possible_copy: false, not_before: *due };
        if write_one(db, INSERT, job)? {
            inserted.push(job.key);
        } else {
            write_one(db, REPLACE, job)?;
        }
    }
    Ok(inserted)
}

/// Makes jobs due whose results were deleted, as if they had never been fed. Returns their number.
pub fn insert_due(db: &Connection, jobs: &[JobKey], now: Timestamp) -> Result<u64, StoreError> {
    let mut inserted = 0;
    for key in jobs {
        let job = DueJob { key: *key, attempt: 0, failures: 0, possible_copy: false, not_before: now };
        inserted += u64::from(write_one(db, INSERT, job)?);
    }
    Ok(inserted)
}

fn write_one(db: &Connection, sql: &'static str, job: DueJob) -> Result<bool, StoreError> {
    let DueJob { key, attempt, failures, not_before, .. } = job;
    let params =
        params![blob(key.run_id.uuid()), key.ordinal, key.sample, attempt, failures, time(not_before)];
    Ok(execute(db, sql, params)? == 1)
}

pub fn make_due(db: &Connection, id: RunId, now: Timestamp) -> Result<u64, StoreError> {
    Ok(execute(db, MAKE_DUE, params![blob(id.uuid()), time(now)])?)
}

/// Deletes the deferrals of these jobs, where there are any. Returns the jobs that had one.
pub fn delete(db: &Connection, jobs: &[JobKey]) -> Result<Vec<JobKey>, StoreError> {
    let mut deleted = Vec::new();
    for key in jobs {
        if execute(db, DELETE, params![blob(key.run_id.uuid()), key.ordinal, key.sample])? == 1 {
            deleted.push(*key);
        }
    }
    Ok(deleted)
}

/// Deletes the deferrals of these jobs that were fed, if no later attempt deferred them anew. Returns their number.
pub fn delete_fed(db: &Connection, jobs: &[DueJob]) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for DueJob { key, attempt, .. } in jobs {
        let params = params![blob(key.run_id.uuid()), key.ordinal, key.sample, attempt];
        deleted += execute(db, DELETE_FED, params)? as u64;
    }
    Ok(deleted)
}

pub fn delete_all(db: &Connection, id: RunId) -> Result<(), StoreError> {
    execute(db, DELETE_ALL, [blob(id.uuid())])?;
    Ok(())
}
