//! The migrations of a file. Where they are recorded, [`migrations`](crate::migrations) says.

use std::path::Path;

use refinery::Migration;
use rusqlite::{Connection, Error, TransactionBehavior};

use crate::{
    StoreError,
    migrations::{Applied, Known, is_additive, tell_newer},
};

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

const HISTORY: &str = "\
-- migrate.history
SELECT version, checksum, false
FROM refinery_schema_history";

const ADDITIONS: &str = "\
-- migrate.additions
SELECT version, checksum, true
FROM schema_additions";

/// The first table is that of the library `refinery`.
const CREATE_TABLES: &str = "\
-- migrate.create_tables
CREATE TABLE IF NOT EXISTS refinery_schema_history (
    version    int4 PRIMARY KEY,
    name       varchar(255),
    applied_on varchar(255),
    checksum   varchar(255)
);
CREATE TABLE IF NOT EXISTS schema_additions (
    version    int4 PRIMARY KEY,
    name       varchar(255),
    applied_on varchar(255),
    checksum   varchar(255)
)";

const RECORD: &str = "\
-- migrate.record
INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?3)";

const RECORD_ADDITION: &str = "\
-- migrate.record_addition
INSERT INTO schema_additions (version, name, applied_on, checksum)
VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?3)";

/// Migrates in one transaction.
pub fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let (known, found) = (known(), applied(connection)?);
    let missing = known.missing(&found)?;
    tell_newer(&known, &found);
    if missing.is_empty() {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(CREATE_TABLES)?;
    for migration in missing {
        apply(&tx, migration)
            .map_err(|error| StoreError::Broken(format!("migration {migration}: {error}")))?;
    }
    Ok(tx.commit()?)
}

/// Checks that a file that another process has open needs no migration, which would change it under that process.
pub fn check_version(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let (known, found) = (known(), applied(connection)?);
    if known.missing(&found)?.is_empty() {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "an older runmill process has {} open: wait until it has ended",
        path.display()
    )))
}

fn known() -> Known {
    Known::new(embedded::migrations::runner().get_migrations())
}

/// Returns the migrations that were applied; none of a file without the tables of versions.
fn applied(connection: &Connection) -> Result<Vec<Applied>, StoreError> {
    let mut found = Vec::new();
    for (table, query) in [("refinery_schema_history", HISTORY), ("schema_additions", ADDITIONS)] {
        if connection.table_exists(None, table)? {
            let mut statement = connection.prepare(query)?;
            let rows = statement.query_map([], |row| {
                Ok(Applied { version: row.get(0)?, checksum: row.get(1)?, is_additive: row.get(2)? })
            })?;
            for row in rows {
                found.push(row?);
            }
        }
    }
    Ok(found)
}

fn apply(tx: &Connection, migration: &Migration) -> Result<(), Error> {
    tx.execute_batch(migration.sql().unwrap_or_default())?;
    let record = if is_additive(migration) { RECORD_ADDITION } else { RECORD };
    let checksum = migration.checksum().to_string();
    tx.execute(record, (i64::from(migration.version()), migration.name(), checksum)).map(drop)
}
