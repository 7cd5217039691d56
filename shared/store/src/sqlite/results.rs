//! Table `results`.

use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, InvocationId, RunId,
    api::ResultRecord,
    message::{Invocation, JobKey},
};
use rusqlite::{Connection, Row, params};

use super::{
    deferred::key,
    values::{Columns as _, all, blob, execute, json, time},
};
use crate::StoreError;

const INSERT: &str = "\
-- results.insert
INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, error_kind, error, response,
                     reasoning, score, tool_calls, logprobs, settled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT DO NOTHING";

const DELETE_FAILED: &str = "\
-- results.delete_failed
DELETE FROM results
WHERE run_id = ?1
  AND outcome = 'failed'
RETURNING run_id, ordinal, sample";

const PAGE: &str = "\
-- results.page
SELECT ordinal, sample, item_id, invocation_id, outcome, error_kind, error, response, reasoning, score, tool_calls,
       logprobs, settled_at
FROM results
WHERE run_id = ?1
  AND (ordinal, sample) > (?2, ?3) /* after */
ORDER BY ordinal, sample
LIMIT ?4";

/// Inserts the results of jobs that have none; their jobs.
pub fn insert(
    db: &Connection,
    invocations: &[&Invocation],
    now: Timestamp,
) -> Result<Vec<JobKey>, StoreError> {
    let mut inserted = Vec::with_capacity(invocations.len());
    for invocation in invocations {
        if insert_one(db, invocation, now)? {
            inserted.push(invocation.key());
        }
    }
    Ok(inserted)
}

fn insert_one(db: &Connection, invocation: &Invocation, now: Timestamp) -> Result<bool, StoreError> {
    let params = params![
        blob(invocation.run_id.uuid()),
        invocation.ordinal,
        invocation.sample,
        invocation.item_id,
        blob(invocation.call.id.uuid()),
        invocation.outcome.as_str(),
        invocation.error_kind.map(ErrorKind::as_str),
        invocation.error,
        invocation.response,
        invocation.reasoning,
        invocation.score.as_ref().map(json),
        Some(&invocation.tool_calls).filter(|calls| !calls.is_empty()).map(json),
        invocation.logprobs.as_ref().map(json),
        time(now),
    ];
    Ok(execute(db, INSERT, params)? == 1)
}

/// Deletes the results of failed jobs; their jobs.
pub fn delete_failed(db: &Connection, id: RunId) -> Result<Vec<JobKey>, StoreError> {
    all(db, DELETE_FAILED, [blob(id.uuid())], key)
}

pub fn page(
    db: &Connection,
    id: RunId,
    after: Option<JobKey>,
    limit: u32,
) -> Result<Vec<ResultRecord>, StoreError> {
    let (ordinal, sample) = after.map_or((-1, -1), |key| (i64::from(key.ordinal), i64::from(key.sample)));
    all(db, PAGE, params![blob(id.uuid()), ordinal, sample, limit], record)
}

fn record(row: &Row<'_>) -> Result<ResultRecord, StoreError> {
    Ok(ResultRecord {
        ordinal: row.number("ordinal")?,
        sample: row.number("sample")?,
        item_id: row.text("item_id")?,
        invocation_id: InvocationId::from_uuid(row.id("invocation_id")?),
        outcome: row.word("outcome")?,
        error_kind: row.optional_word("error_kind")?,
        error: row.optional_text("error")?,
        response: row.optional_text("response")?,
        reasoning: row.optional_text("reasoning")?,
        tool_calls: row.optional_json("tool_calls")?.unwrap_or_default(),
        logprobs: row.optional_json("logprobs")?,
        score: row.optional_json("score")?,
        settled_at: row.time("settled_at")?,
    })
}
