//! The store over PostgreSQL, 14 or newer.
//!
//! One file for each table has its SQL; `logs`, `feed` and `run_writer` are the transactions over several tables. The text of
//! a statement is built once, so that each connection prepares it once; its first line is its name, as the server's log and
//! `pg_stat_activity` show it.

mod connect;
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
mod migrate;
mod providers;
mod results;
mod run_writer;
mod runs;
mod server_time;
mod settings;
mod tls;
mod values;

use deadpool_postgres::{Object, Pool};

pub use connect::PgSettings;

use crate::StoreError;

/// The store over a pool of connections.
#[derive(Clone)]
pub struct PgStore {
    pool: Pool,
}

impl PgStore {
    /// Opens one connection, so that a wrong address or password is an error now. Returns [`StoreError::Unavailable`] within
    /// `settings.connect_timeout`. No error contains the password.
    pub async fn connect(settings: &PgSettings) -> Result<Self, StoreError> {
        connect::connect(settings).await.map(|pool| Self { pool })
    }

    /// Migrates the schema to the version of this binary, or waits until another process has done so. Returns
    /// [`StoreError::NewerSchema`] if the database is newer.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate(&self.pool).await
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}
