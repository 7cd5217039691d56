use std::{pin::pin, time::Duration};

use refinery::Migration;
use tokio::time::timeout;
use tokio_postgres::{Error, Row};

use super::{
    PgStore,
    session::{Session, Transaction},
};
use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Takes the advisory lock of migrations until the transaction ends, so that it stays in no session that a pooler gives
/// to others. Earlier releases take the same lock.
const LOCK: &str = "SELECT /* migrate.lock */ pg_advisory_xact_lock(8247619708798135297)";

/// Longest wait for another process's migration, because building an index on a large table takes minutes. The other
/// limits of the session do not apply for the same reason.
const LIMITS: &str = "\
SET LOCAL lock_timeout = '5min';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0";

/// Time after which the wait for another process is logged, and interval of the further lines.
const SAY_EVERY: Duration = Duration::from_secs(5);

const TABLE_EXISTS: &str = "\
SELECT /* migrate.table_exists */ to_regclass('refinery_schema_history') IS NOT NULL";

const APPLIED: &str = "\
SELECT /* migrate.applied */ version, checksum
FROM refinery_schema_history
ORDER BY version";

/// The table is that of the library `refinery`, with which earlier releases migrate.
const CREATE_TABLE: &str = "\
CREATE /* migrate.create_table */ TABLE IF NOT EXISTS refinery_schema_history (
    version    integer NOT NULL PRIMARY KEY,
    name       varchar(255),
    applied_on varchar(255),
    checksum   varchar(255)
)";

const RECORD: &str = "\
INSERT /* migrate.record */ INTO refinery_schema_history (version, name, applied_on, checksum)
VALUES ($1, $2, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), $3)";

/// Version of the schema of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// No migration was applied yet.
    Empty,
    /// Migrations of this binary are missing.
    Behind,
    UpToDate,
}

/// Migrates in one transaction, which holds the lock. The database is looked at first, so that a start with nothing to
/// migrate waits for nobody.
pub async fn migrate(store: &PgStore) -> Result<(), StoreError> {
    let mut client = store.client().await?;
    if state(&client).await? == SchemaState::UpToDate {
        return Ok(());
    }
    let tx = client.transaction().await?;
    tx.batch_execute(LIMITS).await?;
    lock(&tx).await?;
    tx.batch_execute(CREATE_TABLE).await.map_err(|error| failed("of the table of versions", error))?;
    let applied = history_in(&tx).await?;
    check(&applied)?;
    for migration in known().iter().filter(|migration| !has(&applied, migration)) {
        apply(&tx, migration).await.map_err(|error| failed(&migration.to_string(), error))?;
    }
    Ok(tx.commit().await?)
}

/// Returns the state of the schema. Reads only. Returns an error if the database has a migration that this binary does
/// not know, or another one under the same number.
pub async fn state(client: &Session) -> Result<SchemaState, StoreError> {
    let statement = client.prepare_cached(TABLE_EXISTS).await?;
    if !client.query_one(&statement, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(SchemaState::Empty);
    }
    let statement = client.prepare_cached(APPLIED).await?;
    let applied = history(&client.query(&statement, &[]).await?)?;
    check(&applied)?;
    if applied.is_empty() {
        return Ok(SchemaState::Empty);
    }
    let is_complete = known().iter().all(|migration| has(&applied, migration));
    Ok(if is_complete { SchemaState::UpToDate } else { SchemaState::Behind })
}

/// Number and checksum of a migration that was applied.
type Applied = (i32, String);

async fn history_in(tx: &Transaction<'_>) -> Result<Vec<Applied>, StoreError> {
    let statement = tx.prepare_cached(APPLIED).await?;
    history(&tx.query(&statement, &[]).await?)
}

fn history(rows: &[Row]) -> Result<Vec<Applied>, StoreError> {
    rows.iter().map(|row| Ok((row.try_get("version")?, row.try_get("checksum")?))).collect()
}

/// Returns the migrations of this binary in their order. Those that are embedded are in the order of their names, in which
/// 10 comes before 2.
fn known() -> Vec<Migration> {
    let mut known = embedded::migrations::runner().get_migrations().clone();
    known.sort_by_key(|migration| i64::from(migration.version()));
    known
}

fn has(applied: &[Applied], migration: &Migration) -> bool {
    applied.iter().any(|(version, _)| i64::from(*version) == i64::from(migration.version()))
}

/// Checks that every migration that was applied is one of this binary's.
fn check(applied: &[Applied]) -> Result<(), StoreError> {
    let known = known();
    for (version, checksum) in applied {
        let found = i64::from(*version);
        match known.iter().find(|migration| i64::from(migration.version()) == found) {
            Some(migration) if migration.checksum().to_string() == *checksum => {}
            Some(migration) => {
                return Err(StoreError::Broken(format!(
                    "migration {migration} was applied with another content than this runmill has"
                )));
            }
            None => {
                let newest = known.iter().map(|migration| i64::from(migration.version())).max();
                return Err(StoreError::NewerSchema { found, known: newest.unwrap_or_default() });
            }
        }
    }
    Ok(())
}

async fn lock(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let mut locked = pin!(tx.batch_execute(LOCK));
    loop {
        if let Ok(done) = timeout(SAY_EVERY, &mut locked).await {
            return done.map_err(|error| failed("(another process is migrating the database)", error));
        }
        tracing::info!(
            event = "store.migration_waits",
            "another process is migrating the database; this one waits for it, for up to 5 minutes"
        );
    }
}

async fn apply(tx: &Transaction<'_>, migration: &Migration) -> Result<(), Error> {
    tracing::info!(event = "store.migrating", %migration);
    tx.batch_execute(migration.sql().unwrap_or_default()).await?;
    let statement = tx.prepare_cached(RECORD).await?;
    let checksum = migration.checksum().to_string();
    tx.execute(&statement, &[&migration.version(), &migration.name(), &checksum]).await?;
    Ok(())
}

fn failed(which: &str, error: Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Unavailable(reason) => StoreError::Unavailable(format!("migration {which}: {reason}")),
        StoreError::RowRefused(reason) | StoreError::Broken(reason) => {
            StoreError::Broken(format!("migration {which}: {reason}"))
        }
        other => other,
    }
}
