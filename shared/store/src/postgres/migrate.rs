use deadpool_postgres::{Object, Pool};
use tokio_postgres::Client;

use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Advisory lock that is held during a migration, because the migration tool takes none itself.
const LOCK_KEY: i64 = 0x7275_6e6d_696c_6c01;

const LOCK: &str = "\
-- migrate.lock
SELECT pg_advisory_lock($1)";

/// Longest wait for another process's migration. Building an index on a large table takes minutes.
const LOCK_WAIT: &str = "SET lock_timeout = '5min'";

pub async fn migrate(pool: &Pool) -> Result<(), StoreError> {
    // The connection is taken out of the pool and closed at the end, which releases the lock and drops the setting.
    let mut client = Object::take(pool.get().await?);
    client.batch_execute(LOCK_WAIT).await?;
    client.execute(LOCK, &[&LOCK_KEY]).await?;
    run(&mut client).await
}

async fn run(client: &mut Client) -> Result<(), StoreError> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max();
    let known = known.unwrap_or_default();
    let found = applied(client).await?;
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    runner
        .run_async(client)
        .await
        .map(|_report| ())
        .map_err(|error| StoreError::Broken(format!("migration: {error}")))
}

const TABLE_EXISTS: &str = "\
-- migrate.table_exists
SELECT to_regclass('refinery_schema_history') IS NOT NULL";

const VERSION: &str = "\
-- migrate.version
SELECT coalesce(max(version), 0)::bigint
FROM refinery_schema_history";

/// Returns the version of the database; 0 before the first migration.
async fn applied(client: &Client) -> Result<i64, StoreError> {
    if !client.query_one(TABLE_EXISTS, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    Ok(client.query_one(VERSION, &[]).await?.try_get(0)?)
}
