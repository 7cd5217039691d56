//! Table `invocations`.

use std::collections::HashSet;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, InvocationId, Outcome, ProviderId, RunId, Usage, api::InvocationRecord, message::Attempt,
};
use tokio_postgres::{Row, types::Json};
use uuid::Uuid;

use super::{
    PgStore,
    deferred::KeyColumns,
    values::{Columns as _, bigint, text},
};
use crate::{LogEntry, StoreError};

const INSERT: &str = "\
-- invocations.insert
INSERT INTO invocations (run_id, id, ordinal, sample, provider_id, model, outcome, error_kind, attempts, usage,
                         cost_nanousd, streamed, started_at, latency_ms, ttft_ms)
SELECT *
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::uuid[], $6::text[], $7::text[], $8::text[],
            $9::json[], $10::json[], $11::bigint[], $12::boolean[], $13::timestamptz[], $14::bigint[], $15::bigint[])
ON CONFLICT DO NOTHING
RETURNING id";

const PAGE: &str = "\
-- invocations.page
SELECT id, ordinal, sample, provider_id, model, outcome, error_kind, attempts, usage, cost_nanousd, streamed,
       started_at, latency_ms, ttft_ms
FROM invocations
WHERE run_id = $1
  AND id > $2 /* after */
ORDER BY id
LIMIT $3";

/// Inserts the calls that are not there; their ids.
pub async fn insert(
    tx: &Transaction<'_>,
    entries: &[&LogEntry],
) -> Result<HashSet<InvocationId>, StoreError> {
    let keys = KeyColumns::new(entries.iter().map(|entry| entry.key()));
    let calls = CallColumns::new(entries);
    let statement = tx.prepare_cached(INSERT).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &keys.run_id,
                &calls.id,
                &keys.ordinal,
                &keys.sample,
                &calls.provider_id,
                &calls.model,
                &calls.outcome,
                &calls.error_kind,
                &calls.attempts,
                &calls.usage,
                &calls.cost_nanousd,
                &calls.streamed,
                &calls.started_at,
                &calls.latency_ms,
                &calls.ttft_ms,
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(InvocationId::from_uuid(row.try_get("id")?))).collect()
}

pub async fn page(
    store: &PgStore,
    id: RunId,
    after: Option<InvocationId>,
    limit: u32,
) -> Result<Vec<InvocationRecord>, StoreError> {
    let after = after.map_or(Uuid::nil(), InvocationId::uuid);
    let client = store.client().await?;
    let statement = client.prepare_cached(PAGE).await?;
    client.query(&statement, &[&id.uuid(), &after, &i64::from(limit)]).await?.iter().map(record).collect()
}

/// Calls as the arrays that [`INSERT`] takes.
#[derive(Default)]
struct CallColumns<'a> {
    id: Vec<Uuid>,
    provider_id: Vec<Uuid>,
    model: Vec<std::borrow::Cow<'a, str>>,
    outcome: Vec<Option<&'static str>>,
    error_kind: Vec<Option<&'static str>>,
    attempts: Vec<Json<&'a [Attempt]>>,
    usage: Vec<Option<Json<Usage>>>,
    cost_nanousd: Vec<Option<i64>>,
    streamed: Vec<bool>,
    started_at: Vec<Timestamp>,
    latency_ms: Vec<i64>,
    ttft_ms: Vec<Option<i64>>,
}

impl<'a> CallColumns<'a> {
    fn new(entries: &[&'a LogEntry]) -> Self {
        let mut columns = Self::default();
        for entry in entries {
            columns.push(entry);
        }
        columns
    }

    fn push(&mut self, entry: &'a LogEntry) {
        let call = entry.call();
        self.id.push(call.id.uuid());
        self.provider_id.push(call.provider_id.uuid());
        self.model.push(text(&call.model));
        self.outcome.push(entry.outcome().map(Outcome::as_str));
        self.error_kind.push(entry.error_kind().map(ErrorKind::as_str));
        self.attempts.push(Json(&call.attempts));
        self.usage.push(call.usage.map(Json));
        self.cost_nanousd.push(call.cost_nanousd);
        self.streamed.push(call.streamed);
        self.started_at.push(call.started_at);
        self.latency_ms.push(bigint(call.latency_ms));
        self.ttft_ms.push(call.ttft_ms.map(bigint));
    }
}

fn record(row: &Row) -> Result<InvocationRecord, StoreError> {
    Ok(InvocationRecord {
        id: InvocationId::from_uuid(row.try_get("id")?),
        ordinal: row.number("ordinal")?,
        sample: row.number("sample")?,
        provider_id: ProviderId::from_uuid(row.try_get("provider_id")?),
        model: row.try_get("model")?,
        outcome: row.optional_word("outcome")?,
        error_kind: row.optional_word("error_kind")?,
        attempts: row.json("attempts")?,
        usage: row.optional_json("usage")?,
        cost_nanousd: row.try_get("cost_nanousd")?,
        streamed: row.try_get("streamed")?,
        started_at: row.try_get("started_at")?,
        latency_ms: row.count("latency_ms")?,
        ttft_ms: row.optional_count("ttft_ms")?,
    })
}
