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

/// Tables and rows that all migrations make in a new file, as the test below writes them: each change of a table that has
/// others would be checked against all of them.
const NEW_FILE: &str = include_str!("../../../../migrations/sqlite.sql");

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
    let is_new = found.is_empty();
    if is_new {
        tx.execute_batch(NEW_FILE)?;
    }
    for migration in missing {
        let applied = if is_new { Ok(()) } else { apply(&tx, migration) };
        applied
            .and_then(|()| note(&tx, migration))
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
    tx.execute_batch(migration.sql().unwrap_or_default())
}

/// Records that a migration was applied.
fn note(tx: &Connection, migration: &Migration) -> Result<(), Error> {
    let record = if is_additive(migration) { RECORD_ADDITION } else { RECORD };
    let checksum = migration.checksum().to_string();
    tx.execute(record, (i64::from(migration.version()), migration.name(), checksum)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite.sql");

    /// Tables that record migrations.
    const RECORDS: [&str; 2] = ["refinery_schema_history", "schema_additions"];

    /// Returns the statements that make what a file has, but for the record of its migrations.
    fn script(connection: &Connection) -> String {
        let list = |query: &str| -> Vec<(String, String)> {
            let mut statement = connection.prepare(query).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).filter(|(table, _)| !RECORDS.contains(&&**table)).collect()
        };
        let mut lines = vec!["-- Written by the tests of shared/store from the files in sqlite/.".to_owned()];
        lines.extend(
            list("SELECT tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
                .into_iter()
                .map(|(_, sql)| sql + ";"),
        );
        for (table, _) in list("SELECT name, '' FROM sqlite_schema WHERE type = 'table' ORDER BY rowid") {
            lines.extend(rows(connection, &table));
        }
        lines.join("\n") + "\n"
    }

    fn rows(connection: &Connection, table: &str) -> Vec<String> {
        let columns = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let values: Vec<_> =
            columns.column_names().into_iter().map(|name| format!("quote({name})")).collect();
        let query = format!("SELECT concat_ws(', ', {}) FROM {table}", values.join(", "));
        let mut statement = connection.prepare(&query).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| format!("INSERT INTO {table} VALUES ({});", row.unwrap())).collect()
    }

    #[test]
    fn a_new_file_has_what_all_migrations_make() {
        let migrated = Connection::open_in_memory().unwrap();
        for migration in known().missing(&[]).unwrap() {
            apply(&migrated, migration).unwrap();
        }
        let want = script(&migrated);
        if std::env::var_os("WRITE_SCHEMA").is_some() {
            std::fs::write(PATH, &want).unwrap();
        }
        assert!(
            NEW_FILE == want,
            "migrations/sqlite.sql is of other migrations; write it with WRITE_SCHEMA=1"
        );

        let mut new = Connection::open_in_memory().unwrap();
        migrate(&mut new).unwrap();
        assert_eq!(script(&new), want);
        assert!(known().missing(&applied(&new).unwrap()).unwrap().is_empty(), "all are recorded");
    }
}
