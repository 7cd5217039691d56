//! Table `invocations`.

use std::collections::HashSet;

use runmill_proto::{InvocationId, RunId, api::InvocationRecord};
use uuid::Uuid;

use super::{
    PgStore,
    session::Transaction,
    values::{Cell as _, arrays, parameters, record},
};
use crate::{
    LogEntry, StoreError,
    columns::sql::{Sql, insert_arrays, select},
    tables::NewInvocation,
};

static INSERT: Sql = Sql::new(|| {
    let rest = "ON CONFLICT DO NOTHING\nRETURNING id";
    insert_arrays::<InvocationRecord>("invocations.insert", "invocations", rest)
});

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE run_id = $1\n  AND id > $2 /* after */\nORDER BY id\nLIMIT $3";
    select::<InvocationRecord>("invocations.page", "invocations", rest)
});

static ONES: Sql = Sql::new(|| {
    let rest = "WHERE run_id = $1\n  AND id = ANY ($2)";
    select::<InvocationRecord>("invocations.ones", "invocations", rest)
});

/// Inserts the calls that are not yet stored. Returns their ids.
pub async fn insert(
    tx: &Transaction<'_>,
    entries: &[&LogEntry],
) -> Result<HashSet<InvocationId>, StoreError> {
    if entries.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<_> = entries.iter().map(|entry| NewInvocation::from(*entry)).collect();
    let columns = arrays::<InvocationRecord, _>(&rows);
    let statement = tx.prepare_cached(&INSERT).await?;
    tx.query(&statement, &parameters(&columns)).await?.iter().map(|row| row.cell("id")).collect()
}

pub async fn page(
    store: &PgStore,
    id: RunId,
    after: Option<InvocationId>,
    limit: u32,
) -> Result<Vec<InvocationRecord>, StoreError> {
    let after = after.map_or(Uuid::nil(), InvocationId::uuid);
    let client = store.client().await?;
    let statement = client.prepare_cached(&PAGE).await?;
    client.query(&statement, &[&id.uuid(), &after, &i64::from(limit)]).await?.iter().map(record).collect()
}

pub async fn of(
    store: &PgStore,
    id: RunId,
    ids: &[InvocationId],
) -> Result<Vec<InvocationRecord>, StoreError> {
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    let client = store.client().await?;
    let statement = client.prepare_cached(&ONES).await?;
    client.query(&statement, &[&id.uuid(), &ids]).await?.iter().map(record).collect()
}
