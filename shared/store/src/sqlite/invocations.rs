//! Table `invocations`.

use std::collections::HashSet;

use runmill_proto::{ErrorKind, InvocationId, Outcome, ProviderId, RunId, api::InvocationRecord};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::values::{Columns as _, all, blob, execute, int, json, time};
use crate::{LogEntry, StoreError};

const INSERT: &str = "\
-- invocations.insert
INSERT INTO invocations (run_id, id, ordinal, sample, provider_id, model, outcome, error_kind, attempts, usage,
                         cost_nanousd, streamed, started_at, latency_ms, ttft_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
ON CONFLICT DO NOTHING";

const PAGE: &str = "\
-- invocations.page
SELECT id, ordinal, sample, provider_id, model, outcome, error_kind, attempts, usage, cost_nanousd, streamed,
       started_at, latency_ms, ttft_ms
FROM invocations
WHERE run_id = ?1
  AND id > ?2 /* after */
ORDER BY id
LIMIT ?3";

/// Inserts the calls that are not there; their ids.
pub fn insert(db: &Connection, entries: &[&LogEntry]) -> Result<HashSet<InvocationId>, StoreError> {
    let mut inserted = HashSet::with_capacity(entries.len());
    for entry in entries {
        if insert_one(db, entry)? {
            inserted.insert(entry.call().id);
        }
    }
    Ok(inserted)
}

fn insert_one(db: &Connection, entry: &LogEntry) -> Result<bool, StoreError> {
    let (key, call) = (entry.key(), entry.call());
    let params = params![
        blob(key.run_id.uuid()),
        blob(call.id.uuid()),
        key.ordinal,
        key.sample,
        blob(call.provider_id.uuid()),
        call.model,
        entry.outcome().map(Outcome::as_str),
        entry.error_kind().map(ErrorKind::as_str),
        json(&call.attempts),
        call.usage.as_ref().map(json),
        call.cost_nanousd,
        call.streamed,
        time(call.started_at),
        int(call.latency_ms),
        call.ttft_ms.map(int),
    ];
    Ok(execute(db, INSERT, params)? == 1)
}

pub fn page(
    db: &Connection,
    id: RunId,
    after: Option<InvocationId>,
    limit: u32,
) -> Result<Vec<InvocationRecord>, StoreError> {
    let after = after.map_or(Uuid::nil(), InvocationId::uuid);
    all(db, PAGE, params![blob(id.uuid()), blob(after), limit], record)
}

fn record(row: &Row<'_>) -> Result<InvocationRecord, StoreError> {
    Ok(InvocationRecord {
        id: InvocationId::from_uuid(row.id("id")?),
        ordinal: row.number("ordinal")?,
        sample: row.number("sample")?,
        provider_id: ProviderId::from_uuid(row.id("provider_id")?),
        model: row.text("model")?,
        outcome: row.optional_word("outcome")?,
        error_kind: row.optional_word("error_kind")?,
        attempts: row.json("attempts")?,
        usage: row.optional_json("usage")?,
        cost_nanousd: row.get("cost_nanousd")?,
        streamed: row.get("streamed")?,
        started_at: row.time("started_at")?,
        latency_ms: row.count("latency_ms")?,
        ttft_ms: row.optional_count("ttft_ms")?,
    })
}
