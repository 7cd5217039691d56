//! The store over one `SQLite` file: of one process, or of several commands that each work on runs of their own.
//!
//! `SQLite` allows one writer at a time. In each process it is a thread that owns the writing connection and runs
//! closures, each in a transaction of its own. Readers have connections of their own and see the last commit. As in
//! [`crate::postgres`], one file for each table has all SQL that names it.

mod answers;
mod audit;
mod backup;
mod batches;
mod budgets;
mod claims;
mod datasets;
mod deferred;
mod error;
mod evaluations;
mod events;
mod executors;
mod feed;
mod files;
mod fleet;
mod invocations;
mod job_states;
mod lead;
mod logs;
mod lost;
mod migrate;
mod open;
mod open_mode;
mod page;
mod providers;
mod readers;
mod results;
mod retention;
mod run_writer;
mod runs;
mod scaling;
mod series;
mod server_time;
mod settings;
mod space;
mod tokens;
mod usage_days;
mod values;
mod webhooks;
mod writer;

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, Transaction};

use runmill_proto::RunId;

use self::{claims::Claims, readers::Readers, space::Space, writer::Writer};
use crate::StoreError;
pub use backup::back_up;
pub use open_mode::OpenMode;

/// The store over a file.
#[derive(Clone)]
pub struct SqliteStore {
    /// Claims of this process on runs. `None` if it works on all of them.
    claims: Option<Arc<Claims>>,
    space: Arc<Space>,
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    lease: Arc<lead::Lease>,
}

impl SqliteStore {
    /// Opens the file at `path` for this process alone, or creates it, and migrates its schema to the version of this
    /// binary.
    ///
    /// Returns [`StoreError::Conflict`] while another process has it open, and [`StoreError::NewerSchema`] if a newer
    /// runmill wrote it. Dropping the last clone waits for the writes that are queued.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_as(path, OpenMode::Alone).await
    }

    /// As [`open`](Self::open); with [`OpenMode::Shared`] beside other processes that open it so, too.
    pub async fn open_as(path: impl AsRef<Path>, mode: OpenMode) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let opening = tokio::task::spawn_blocking(move || {
            let (connection, lock) = open::open(&path, mode)?;
            Ok(Self {
                claims: (mode == OpenMode::Shared).then(|| Arc::new(Claims::new(&path))),
                space: Arc::new(Space::new(&path)),
                writer: Arc::new(Writer::start(connection, lock)?),
                readers: Arc::new(Readers::new(path)),
                lease: Arc::default(),
            })
        });
        opening.await.map_err(|error| StoreError::Broken(error.to_string()))?
    }

    /// Claims `name` for this process, until it ends. Returns false if another process has claimed it.
    ///
    /// A process that shares the file works only on the runs whose ids it has claimed.
    pub fn claim(&self, name: &str) -> Result<bool, StoreError> {
        self.claims.as_ref().map_or(Ok(true), |claims| claims.claim(name))
    }

    /// Returns true if another process has claimed `name`.
    pub fn is_claimed(&self, name: &str) -> Result<bool, StoreError> {
        self.claims.as_ref().map_or(Ok(false), |claims| claims.is_taken(name))
    }

    /// Keeps some space of the disk free, which [`full`](Self::full) frees for what is still in hand.
    pub async fn reserve_space(&self) -> Result<(), StoreError> {
        let space = self.space.clone();
        let reserving = tokio::task::spawn_blocking(move || space.reserve());
        reserving.await.map_err(|error| StoreError::Broken(error.to_string()))?
    }

    /// Waits until a write fails because the disk is full. Returns the file with the reason.
    pub async fn full(&self) -> String {
        self.space.full().await
    }

    /// Returns true if this process works on the run.
    fn works_on(&self, id: RunId) -> bool {
        self.claims.as_ref().is_none_or(|claims| claims.has(&id.to_string()))
    }

    /// Runs `write` in a transaction, which is completed even if the caller is dropped.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(write).await.inspect_err(|error| self.space.look_at(error))
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(read).await
    }
}
