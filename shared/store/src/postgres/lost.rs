//! Jobs that were fed and have neither result nor deferral. They are searched in chunks, without a lock: only what was
//! found is looked at again under the lock of the run.

use jiff::Timestamp;
use runmill_proto::{RunId, message::JobKey};

use super::{
    deferred::KeyColumns,
    session::{Reading, Transaction},
    values::{Cell as _, bigint},
};
use crate::{
    RunRow, StoreError,
    ledger::{Chunk, chunks},
    time::micros,
};

const KNOWN: &str = "\
SELECT /* deferred.known */ (
           SELECT count(*)
           FROM results
           WHERE run_id = $1
             AND ordinal >= $2 /* first */
             AND ordinal < $3 /* end */
             AND (sample < $4 /* samples */ OR sample = $4 AND ordinal < $5 /* rest */)
       ) + (
           SELECT count(*)
           FROM deferred
           WHERE run_id = $1
             AND ordinal >= $2
             AND ordinal < $3
             AND (sample < $4 OR sample = $4 AND ordinal < $5)
       ) AS known";

// The ranges are repeated for the planner, which would read all results of the run otherwise.
const MISSING: &str = "\
SELECT /* deferred.missing */ job.ordinal, job.sample
FROM (
    SELECT ordinal, sample
    FROM generate_series($2::integer /* first */, $3::integer /* end */ - 1) AS ordinal
    CROSS JOIN generate_series(0, $4::integer /* samples */) AS sample
    WHERE sample < $4
       OR ordinal < $5::integer /* rest */
) AS job
WHERE NOT EXISTS (
    SELECT
    FROM results
    WHERE results.run_id = $1
      AND results.ordinal >= $2
      AND results.ordinal < $3
      AND results.ordinal = job.ordinal
      AND results.sample = job.sample
)
AND NOT EXISTS (
    SELECT
    FROM deferred
    WHERE deferred.run_id = $1
      AND deferred.ordinal >= $2
      AND deferred.ordinal < $3
      AND deferred.ordinal = job.ordinal
      AND deferred.sample = job.sample
)
LIMIT $6";

const INSERT: &str = "\
INSERT /* deferred.insert_lost */ INTO deferred (run_id, ordinal, sample, attempt, not_before, possible_copy)
SELECT $1, job.ordinal, job.sample, 1, $4 /* now */, true
FROM unnest($2::integer[], $3::integer[]) AS job (ordinal, sample)
WHERE NOT EXISTS (
    SELECT
    FROM results
    WHERE results.run_id = $1
      AND results.ordinal = job.ordinal
      AND results.sample = job.sample
)
ON CONFLICT DO NOTHING";

/// Returns jobs of the run without result and deferral, at most `limit`. There are none if the counters of the row show
/// that none is missing.
pub async fn missing(client: &impl Reading, row: &RunRow, limit: u32) -> Result<Vec<JobKey>, StoreError> {
    let most = usize::try_from(row.in_queue().min(limit.into())).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for chunk in chunks(row) {
        if found.len() >= most {
            break;
        }
        missing_of(client, row.id, chunk, most, &mut found).await?;
    }
    Ok(found)
}

async fn missing_of(
    client: &impl Reading,
    id: RunId,
    chunk: Chunk,
    most: usize,
    found: &mut Vec<JobKey>,
) -> Result<(), StoreError> {
    let number = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    let (first, end) = (number(chunk.first), number(chunk.end));
    let (samples, rest) = (number(chunk.samples), number(chunk.rest));
    let counted = client.rows(KNOWN, &[&id.uuid(), &first, &end, &samples, &rest]).await?;
    let known: i64 = counted.first().map_or(Ok(0), |row| row.try_get("known"))?;
    if known >= bigint(chunk.positions()) {
        return Ok(());
    }
    let limit = bigint((most - found.len()) as u64);
    for row in &client.rows(MISSING, &[&id.uuid(), &first, &end, &samples, &rest, &limit]).await? {
        found.push(JobKey { run_id: id, ordinal: row.cell("ordinal")?, sample: row.cell("sample")? });
    }
    Ok(())
}

/// Makes those of the jobs due that still have neither result nor deferral. Returns their number.
pub async fn defer(
    tx: &Transaction<'_>,
    id: RunId,
    jobs: &[JobKey],
    now: Timestamp,
) -> Result<u64, StoreError> {
    if jobs.is_empty() {
        return Ok(0);
    }
    let keys = KeyColumns::new(jobs.iter().copied());
    let statement = tx.prepare_cached(INSERT).await?;
    Ok(tx.execute(&statement, &[&id.uuid(), &keys.ordinal, &keys.sample, &micros(now)]).await?)
}
