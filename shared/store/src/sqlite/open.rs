use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{claims, open_mode::OpenMode};
use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

/// Longest wait for another process that reads or writes the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for another process that migrates the file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause between two tries to lock the file.
const LOCK_PERIOD: Duration = Duration::from_millis(20);

/// Number of statements that a connection keeps prepared. It is larger than the number of this store's statements.
pub const STATEMENTS: usize = 128;

/// Opens the file for writing. Also returns the lock that says how it is open.
pub fn open(path: &Path, mode: OpenMode) -> Result<(Connection, File), StoreError> {
    let (lock, is_alone) = lock(path, mode)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A crash of the machine may lose the last commits, but not the file. The jobs of lost commits are fed again.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if is_alone {
        migrate(&mut connection)?;
        super::datasets::discard_unfinished(&connection)?;
        claims::discard(path);
    } else {
        check_version(&connection, path)?;
    }
    if is_alone && mode == OpenMode::Shared {
        lock.lock_shared().map_err(|error| broken(path, &error))?;
    }
    Ok((connection, lock))
}

/// Locks a file beside the database, because `SQLite` has locks of its own on the database. Also returns true if no
/// other process has it open.
fn lock(path: &Path, mode: OpenMode) -> Result<(File, bool), StoreError> {
    let name = beside(path, ".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&name);
    let file = file.map_err(|error| broken(&name, &error))?;
    let start = Instant::now();
    loop {
        if is_locked(file.try_lock(), &name)? {
            return Ok((file, true));
        }
        if mode == OpenMode::Shared && is_locked(file.try_lock_shared(), &name)? {
            return Ok((file, false));
        }
        // A process that is starting has the lock for a moment. This is a thread for blocking calls.
        if start.elapsed() >= LOCK_TIMEOUT {
            return Err(mode.conflict(path));
        }
        std::thread::sleep(LOCK_PERIOD);
    }
}

fn is_locked(tried: Result<(), TryLockError>, name: &Path) -> Result<bool, StoreError> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(broken(name, &error)),
    }
}

/// Returns the path of a file beside the database.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub fn broken(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Broken(format!("{}: {error}", path.display()))
}

const VERSION: &str = "\
-- migrate.version
SELECT coalesce(max(version), 0)
FROM refinery_schema_history";

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    if connection.table_exists(None, "refinery_schema_history")? {
        let (found, known) = versions(connection)?;
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
    }
    embedded::migrations::runner()
        .run(connection)
        .map(|_report| ())
        .map_err(|error| StoreError::Broken(format!("migration: {error}")))
}

/// Returns the version of the schema, and the version that this binary knows.
fn versions(connection: &Connection) -> Result<(i64, i64), StoreError> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max();
    Ok((connection.query_row(VERSION, [], |row| row.get(0))?, known.unwrap_or_default()))
}

/// Checks that a file that another process has open needs no migration, which would change it under that process.
fn check_version(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let (found, known) = versions(connection)?;
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(StoreError::NewerSchema { found, known }),
        std::cmp::Ordering::Less => Err(StoreError::Conflict(format!(
            "an older runmill process has {} open: wait until it has ended",
            path.display()
        ))),
    }
}
