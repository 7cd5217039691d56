//! The store over PostgreSQL, 14 or newer.
//!
//! One file for each table has all SQL that names it; `logs` is the transaction over several of them. Statements
//! are static, so that each connection prepares each of them once; the first line of a statement is its name, as
//! the server's log and `pg_stat_activity` show it.

mod connect;
mod datasets;
mod deferred;
mod error;
mod events;
mod executors;
mod feed;
mod invocations;
mod lead;
mod logs;
mod migrate;
mod providers;
mod results;
mod run_writer;
mod runs;
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
    /// Connects once, so that an address or password that is wrong is known now.
    /// [`StoreError::Unavailable`] within `settings.connect_timeout`; no error says the password.
    pub async fn connect(settings: &PgSettings) -> Result<Self, StoreError> {
        connect::connect(settings).await.map(|pool| Self { pool })
    }

    /// Brings the schema up to this binary's, or waits until another process has.
    /// [`StoreError::NewerSchema`] if the database is ahead.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate(&self.pool).await
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}
