//! The store over one `SQLite` file, for one process.
//!
//! `SQLite` allows one writer. It is a thread that owns the writing connection and runs closures, each in a
//! transaction of its own. Readers have connections of their own and see the last commit. As in [`crate::postgres`],
//! one file for each table has all SQL that names it.

mod datasets;
mod deferred;
mod error;
mod events;
mod executors;
mod feed;
mod invocations;
mod job_states;
mod lead;
mod logs;
mod lost;
mod open;
mod providers;
mod readers;
mod results;
mod run_writer;
mod runs;
mod server_time;
mod settings;
mod values;
mod writer;

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, Transaction};

use self::{readers::Readers, writer::Writer};
use crate::StoreError;

/// The store over a file that no other process has open.
#[derive(Clone)]
pub struct SqliteStore {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    lease: Arc<lead::Lease>,
}

impl SqliteStore {
    /// Opens the file at `path`, or creates it, and migrates its schema to the version of this binary.
    ///
    /// Returns [`StoreError::Conflict`] while another process has it open, and [`StoreError::NewerSchema`] if a newer
    /// runmill wrote it. Dropping the last clone waits for the writes that are queued.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let opening = tokio::task::spawn_blocking(move || {
            let (connection, lock) = open::open(&path)?;
            Ok(Self {
                writer: Arc::new(Writer::start(connection, lock)?),
                readers: Arc::new(Readers::new(path)),
                lease: Arc::default(),
            })
        });
        opening.await.map_err(|error| StoreError::Broken(error.to_string()))?
    }

    /// Runs `write` in a transaction, which is completed even if the caller is dropped.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(write).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(read).await
    }
}
