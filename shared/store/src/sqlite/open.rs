use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use rusqlite::Connection;

use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

/// Longest wait for another process that reads the file, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Number of statements that a connection keeps prepared. It is larger than the number of this store's statements.
pub const STATEMENTS: usize = 128;

/// Opens the file for writing. Also returns the lock that excludes other processes.
pub fn open(path: &Path) -> Result<(Connection, File), StoreError> {
    let lock = lock(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A crash of the machine may lose the last commits, but not the file. The jobs of lost commits are fed again.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut connection)?;
    super::datasets::discard_unfinished(&connection)?;
    Ok((connection, lock))
}

/// Locks a file beside the database, because `SQLite` has locks of its own on the database.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = OsString::from(path);
    name.push(".lock");
    let broken = |error: io::Error| StoreError::Broken(format!("{}: {error}", Path::new(&name).display()));
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(broken)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Conflict(format!(
            "another runmill process has {} open: stop it, or use another data directory",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(broken(error)),
    }
}

const VERSION: &str = "\
-- migrate.version
SELECT coalesce(max(version), 0)
FROM refinery_schema_history";

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max();
    let known = known.unwrap_or_default();
    if connection.table_exists(None, "refinery_schema_history")? {
        let found = connection.query_row(VERSION, [], |row| row.get(0))?;
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
    }
    runner
        .run(connection)
        .map(|_report| ())
        .map_err(|error| StoreError::Broken(format!("migration: {error}")))
}
