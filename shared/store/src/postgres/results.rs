//! Table `results`.

use std::borrow::Cow;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, InvocationId, RunId, Score, TokenLogprob, ToolCall,
    api::ResultRecord,
    message::{Invocation, JobKey},
};
use tokio_postgres::{Row, types::Json};
use uuid::Uuid;

use super::{
    PgStore,
    deferred::{KeyColumns, key},
    values::{Columns as _, integer, optional_text, text},
};
use crate::{StoreError, time::micros};

const INSERT: &str = "\
-- results.insert
INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, error_kind, error, response,
                     reasoning, score, tool_calls, logprobs, settled_at)
SELECT job.*, $14 /* now */
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::json[], $12::json[], $13::json[]) AS job
ON CONFLICT DO NOTHING
RETURNING run_id, ordinal, sample";

const DELETE_FAILED: &str = "\
-- results.delete_failed
DELETE FROM results
WHERE run_id = $1
  AND outcome = 'failed'
RETURNING run_id, ordinal, sample";

const PAGE: &str = "\
-- results.page
SELECT ordinal, sample, item_id, invocation_id, outcome, error_kind, error, response, reasoning, score, tool_calls,
       logprobs, settled_at
FROM results
WHERE run_id = $1
  AND (ordinal, sample) > ($2, $3) /* after */
ORDER BY ordinal, sample
LIMIT $4";

/// Inserts the results of jobs that have none; their jobs.
pub async fn insert(
    tx: &Transaction<'_>,
    invocations: &[&Invocation],
    now: Timestamp,
) -> Result<Vec<JobKey>, StoreError> {
    if invocations.is_empty() {
        return Ok(Vec::new());
    }
    let keys = KeyColumns::new(invocations.iter().map(|invocation| invocation.key()));
    let results = ResultColumns::new(invocations);
    let statement = tx.prepare_cached(INSERT).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &keys.run_id,
                &keys.ordinal,
                &keys.sample,
                &results.item_id,
                &results.invocation_id,
                &results.outcome,
                &results.error_kind,
                &results.error,
                &results.response,
                &results.reasoning,
                &results.score,
                &results.tool_calls,
                &results.logprobs,
                &micros(now),
            ],
        )
        .await?;
    rows.iter().map(key).collect()
}

/// Deletes the results of failed jobs; their jobs.
pub async fn delete_failed(tx: &Transaction<'_>, id: RunId) -> Result<Vec<JobKey>, StoreError> {
    let statement = tx.prepare_cached(DELETE_FAILED).await?;
    tx.query(&statement, &[&id.uuid()]).await?.iter().map(key).collect()
}

pub async fn page(
    store: &PgStore,
    id: RunId,
    after: Option<JobKey>,
    limit: u32,
) -> Result<Vec<ResultRecord>, StoreError> {
    let (ordinal, sample) = after.map_or((-1, -1), |key| (integer(key.ordinal), integer(key.sample)));
    let client = store.client().await?;
    let statement = client.prepare_cached(PAGE).await?;
    let rows = client.query(&statement, &[&id.uuid(), &ordinal, &sample, &i64::from(limit)]).await?;
    rows.iter().map(record).collect()
}

/// Results as the arrays that [`INSERT`] takes.
#[derive(Default)]
struct ResultColumns<'a> {
    item_id: Vec<Cow<'a, str>>,
    invocation_id: Vec<Uuid>,
    outcome: Vec<&'static str>,
    error_kind: Vec<Option<&'static str>>,
    error: Vec<Option<Cow<'a, str>>>,
    response: Vec<Option<Cow<'a, str>>>,
    reasoning: Vec<Option<Cow<'a, str>>>,
    score: Vec<Option<Json<&'a Score>>>,
    tool_calls: Vec<Option<Json<&'a [ToolCall]>>>,
    logprobs: Vec<Option<Json<&'a [TokenLogprob]>>>,
}

impl<'a> ResultColumns<'a> {
    fn new(invocations: &[&'a Invocation]) -> Self {
        let mut columns = Self::default();
        for invocation in invocations {
            columns.push(invocation);
        }
        columns
    }

    fn push(&mut self, invocation: &'a Invocation) {
        self.item_id.push(text(&invocation.item_id));
        self.invocation_id.push(invocation.call.id.uuid());
        self.outcome.push(invocation.outcome.as_str());
        self.error_kind.push(invocation.error_kind.map(ErrorKind::as_str));
        self.error.push(optional_text(invocation.error.as_deref()));
        self.response.push(optional_text(invocation.response.as_deref()));
        self.reasoning.push(optional_text(invocation.reasoning.as_deref()));
        self.score.push(invocation.score.as_ref().map(Json));
        self.tool_calls.push(Some(&*invocation.tool_calls).filter(|calls| !calls.is_empty()).map(Json));
        self.logprobs.push(invocation.logprobs.as_deref().map(Json));
    }
}

fn record(row: &Row) -> Result<ResultRecord, StoreError> {
    Ok(ResultRecord {
        ordinal: row.number("ordinal")?,
        sample: row.number("sample")?,
        item_id: row.try_get("item_id")?,
        invocation_id: InvocationId::from_uuid(row.try_get("invocation_id")?),
        outcome: row.word("outcome")?,
        error_kind: row.optional_word("error_kind")?,
        error: row.try_get("error")?,
        response: row.try_get("response")?,
        reasoning: row.try_get("reasoning")?,
        tool_calls: row.optional_json("tool_calls")?.unwrap_or_default(),
        logprobs: row.optional_json("logprobs")?,
        score: row.optional_json("score")?,
        settled_at: row.try_get("settled_at")?,
    })
}
