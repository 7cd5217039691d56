//! Jobs that were fed and have neither result nor deferral, as in `postgres`.

use jiff::Timestamp;
use runmill_proto::{RunId, message::JobKey};
use rusqlite::{Connection, params};

use super::values::{Cell as _, all, blob, execute, first, int, time};
use crate::{
    RunRow, StoreError,
    ledger::{Chunk, chunks},
};

const KNOWN: &str = "\
-- deferred.known
SELECT (
           SELECT count(*)
           FROM results
           WHERE run_id = ?1
             AND ordinal >= ?2 /* first */
             AND ordinal < ?3 /* end */
             AND (sample < ?4 /* samples */ OR sample = ?4 AND ordinal < ?5 /* rest */)
       ) + (
           SELECT count(*)
           FROM deferred
           WHERE run_id = ?1
             AND ordinal >= ?2
             AND ordinal < ?3
             AND (sample < ?4 OR sample = ?4 AND ordinal < ?5)
       ) AS known";

const MISSING: &str = "\
-- deferred.missing
WITH RECURSIVE
    item (ordinal) AS (
        VALUES (?2 /* first */)
        UNION ALL
        SELECT ordinal + 1
        FROM item
        WHERE ordinal + 1 < ?3 /* end */
    ),
    pass (sample) AS (
        VALUES (0)
        UNION ALL
        SELECT sample + 1
        FROM pass
        WHERE sample < ?4 /* samples */
    )
SELECT item.ordinal, pass.sample
FROM item
CROSS JOIN pass
WHERE (pass.sample < ?4 OR item.ordinal < ?5 /* rest */)
  AND NOT EXISTS (
    SELECT 1
    FROM results
    WHERE results.run_id = ?1
      AND results.ordinal = item.ordinal
      AND results.sample = pass.sample
)
AND NOT EXISTS (
    SELECT 1
    FROM deferred
    WHERE deferred.run_id = ?1
      AND deferred.ordinal = item.ordinal
      AND deferred.sample = pass.sample
)
LIMIT ?6";

const INSERT: &str = "\
-- deferred.insert_lost
INSERT INTO deferred (run_id, ordinal, sample, attempt, not_before, possible_copy)
SELECT ?1, ?2, ?3, 1, ?4 /* now */, 1
WHERE NOT EXISTS (
    SELECT 1
    FROM results
    WHERE run_id = ?1
      AND ordinal = ?2
      AND sample = ?3
)
ON CONFLICT DO NOTHING";

/// Returns jobs of the run without result and deferral, at most `limit`. There are none if the counters of the row show
/// that none is missing.
pub fn missing(db: &Connection, row: &RunRow, limit: u32) -> Result<Vec<JobKey>, StoreError> {
    let most = usize::try_from(row.in_queue().min(limit.into())).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for chunk in chunks(row) {
        if found.len() >= most {
            break;
        }
        found.append(&mut missing_of(db, row.id, chunk, most - found.len())?);
    }
    Ok(found)
}

fn missing_of(db: &Connection, id: RunId, chunk: Chunk, limit: usize) -> Result<Vec<JobKey>, StoreError> {
    let Chunk { first: begin, end, samples, rest } = chunk;
    let (begin, end, samples, rest) = (int(begin), int(end), int(samples), int(rest));
    let range = params![blob(id.uuid()), begin, end, samples, rest];
    let known: Option<i64> = first(db, KNOWN, range, |row| Ok(row.get("known")?))?;
    if known.unwrap_or_default() >= int(chunk.positions()) {
        return Ok(Vec::new());
    }
    let params = params![blob(id.uuid()), begin, end, samples, rest, int(limit as u64)];
    all(db, MISSING, params, |row| {
        Ok(JobKey { run_id: id, ordinal: row.cell("ordinal")?, sample: row.cell("sample")? })
    })
}

/// Makes those of the jobs due that still have neither result nor deferral. Returns their number.
pub fn defer(db: &Connection, id: RunId, jobs: &[JobKey], now: Timestamp) -> Result<u64, StoreError> {
    let mut deferred = 0;
    for job in jobs {
        deferred += execute(db, INSERT, params![blob(id.uuid()), job.ordinal, job.sample, time(now)])?;
    }
    Ok(deferred)
}
