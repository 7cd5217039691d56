use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::open::STATEMENTS;
use crate::StoreError;

/// Maximum number of concurrent reads. Further ones wait.
const READERS_MAX: usize = 4;

/// Longest wait for a checkpoint that resets the write-ahead log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections for reading, used on threads for blocking calls.
pub struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self { path, permits: Arc::new(Semaphore::new(READERS_MAX)), idle: Mutex::default() }
    }

    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permits.clone().acquire_owned().await.expect("this semaphore is never closed");
        let readers = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = readers.take()?;
            let value = read(&connection);
            readers.idle().push(connection);
            value
        });
        reading.await.map_err(|error| StoreError::Broken(error.to_string()))?
    }

    /// Returns an idle connection, or a new one. There are at most as many connections as permits.
    fn take(&self) -> Result<Connection, StoreError> {
        if let Some(connection) = self.idle().pop() {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
