use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// Longest wait for a process that recovers the file after a crash.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Reads the whole file in one transaction, so that the copy is of one moment, and writers go on meanwhile. The online
/// backup of `SQLite` would begin anew with each write of another process.
const COPY: &str = "\
-- backup.copy
VACUUM INTO ?1";

/// Copies the database at `from`, which any process may be writing, to the file at `to`, which must be empty or absent.
/// The caller syncs it.
///
/// Returns [`StoreError::Unavailable`] if the disk of `to` is full, and [`StoreError::Broken`] if `from` is not a
/// database. What was written is then no backup. Not cancel safe: the copy goes on when the caller is dropped.
pub async fn back_up(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), StoreError> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    let copying = tokio::task::spawn_blocking(move || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(from, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let to = to.to_str().ok_or_else(|| {
            StoreError::Conflict(format!("{} is no UTF-8, which SQLite needs of a path", to.display()))
        })?;
        connection.execute(COPY, [to])?;
        Ok(())
    });
    copying.await.map_err(|error| StoreError::Broken(error.to_string()))?
}
