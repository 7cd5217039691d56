//! Table `invocations`.

use std::collections::HashSet;

use runmill_proto::{InvocationId, RunId, api::InvocationRecord};
use rusqlite::{Connection, params, params_from_iter};
use uuid::Uuid;

use super::values::{all, blob, execute, record};
use crate::{
    LogEntry, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql, select},
    },
    tables::NewInvocation,
};

static INSERT: Sql = Sql::new(|| {
    let (name, rest) = ("invocations.insert", "ON CONFLICT DO NOTHING");
    sql::insert::<InvocationRecord>(Dialect::Sqlite, name, "invocations", rest)
});

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE run_id = ?1\n  AND id > ?2 /* after */\nORDER BY id\nLIMIT ?3";
    select::<InvocationRecord>("invocations.page", "invocations", rest)
});

static ONE: Sql = Sql::new(|| {
    select::<InvocationRecord>("invocations.one", "invocations", "WHERE run_id = ?1\n  AND id = ?2")
});

/// Inserts the calls that are not yet stored. Returns their ids.
pub fn insert(db: &Connection, entries: &[&LogEntry]) -> Result<HashSet<InvocationId>, StoreError> {
    let mut ids = HashSet::with_capacity(entries.len());
    for entry in entries {
        let row = NewInvocation::from(*entry);
        if execute(db, &INSERT, params_from_iter(inserted::<InvocationRecord>(&row)))? == 1 {
            ids.insert(entry.call().id);
        }
    }
    Ok(ids)
}

pub fn page(
    db: &Connection,
    id: RunId,
    after: Option<InvocationId>,
    limit: u32,
) -> Result<Vec<InvocationRecord>, StoreError> {
    let after = after.map_or(Uuid::nil(), InvocationId::uuid);
    all(db, &PAGE, params![blob(id.uuid()), blob(after), limit], record)
}

pub fn of(db: &Connection, id: RunId, ids: &[InvocationId]) -> Result<Vec<InvocationRecord>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for one in ids {
        found.append(&mut all(db, &ONE, params![blob(id.uuid()), blob(one.uuid())], record)?);
    }
    Ok(found)
}
