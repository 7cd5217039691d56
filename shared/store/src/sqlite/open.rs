use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    claims,
    migrate::{check_version, migrate},
    open_mode::OpenMode,
};
use crate::StoreError;

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
    // The steps that make a new file do not wait for the disk one by one.
    let is_new = is_alone && std::fs::metadata(path).is_ok_and(|found| found.len() == 0);
    connection.pragma_update(None, "synchronous", if is_new { "off" } else { "normal" })?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if is_alone {
        migrate(&mut connection)?;
        // A crash of the machine may lose the last commits, but not the file. The jobs of lost commits are fed again.
        connection.pragma_update(None, "synchronous", "normal")?;
        if is_new {
            // It goes to the disk now, by SQLite: to open and close the file elsewhere in the process would drop SQLite's locks.
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
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
