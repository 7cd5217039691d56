//! The store over PostgreSQL, 14 or newer.
//!
//! One file for each table has its SQL; `logs`, `feed` and `run_writer` are the transactions over several tables. The text of
//! a statement is built once, so that each connection prepares it once; the comment behind its first word is its name, as
//! the server's log, `pg_stat_activity` and `pg_stat_statements` show it.

mod answers;
mod audit;
mod batches;
mod budgets;
mod connect;
mod datasets;
mod deferred;
mod error;
mod evaluations;
mod events;
mod executors;
mod feed;
mod files;
mod fleet;
mod inspect;
mod invocations;
mod job_states;
mod lead;
mod logs;
mod lost;
mod migrate;
mod page;
mod partitions;
mod providers;
mod results;
mod retention;
mod route;
mod run_writer;
mod runs;
mod scaling;
mod series;
mod server_time;
mod session;
mod settings;
mod settings_of_session;
mod tls;
mod tokens;
mod usage_days;
mod values;
mod webhooks;

use std::sync::Arc;

use deadpool_postgres::Pool;
use tokio::sync::Semaphore;

pub use connect::PgSettings;
pub use inspect::{ALL_TABLES, Inspection, SchemaState, StoreFault};

use self::session::{Route, Session};
use crate::StoreError;

/// The store over a pool of connections.
#[derive(Clone)]
pub struct PgStore {
    pool: Pool,
    route: Route,
    /// Places of uploads, each of which keeps a connection for as long as its client sends.
    uploads: Arc<Semaphore>,
}

impl PgStore {
    /// Opens one connection, so that a wrong address or password is an error now. Returns [`StoreError::Unavailable`] within
    /// `settings.connect_timeout`. No error contains the password.
    pub async fn connect(settings: &PgSettings) -> Result<Self, StoreError> {
        let (pool, route) = connect::connect(settings).await?;
        // The other half is for everything else.
        let uploads = Arc::new(Semaphore::new((settings.pool_size / 2).max(1)));
        Ok(Self { pool, route, uploads })
    }

    /// Returns true if a pooler stands before the server.
    pub const fn is_pooled(&self) -> bool {
        matches!(self.route, Route::Pooled(_))
    }

    /// Returns the texts of the statements that were used so far behind a pooler.
    #[cfg(feature = "testing")]
    pub fn statements(&self) -> Vec<String> {
        match &self.route {
            Route::Direct => Vec::new(),
            Route::Pooled(types) => types.statements(),
        }
    }

    /// Migrates the schema to the version of this binary, or waits until another process has done so. Returns
    /// [`StoreError::NewerSchema`] if the database is newer.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate(self).await
    }

    async fn client(&self) -> Result<Session, StoreError> {
        Ok(Session::new(self.pool.get().await?, self.route.clone()))
    }
}
