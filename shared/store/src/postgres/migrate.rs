use std::{pin::pin, time::Duration};

use refinery::Migration;
use tokio::time::timeout;
use tokio_postgres::{Error, Row};

use super::{
    PgStore,
    session::{Session, Transaction},
};
use crate::{
    StoreError,
    migrations::{Applied, Known, is_additive, tell_newer},
};

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

const TABLES_EXIST: &str = "\
SELECT /* migrate.tables_exist */ to_regclass('refinery_schema_history') IS NOT NULL AS history,
    to_regclass('schema_additions') IS NOT NULL AS additions";

const HISTORY: &str = "\
SELECT /* migrate.history */ version, checksum, false AS is_additive
FROM refinery_schema_history";

const ADDITIONS: &str = "\
SELECT /* migrate.additions */ version, checksum, true AS is_additive
FROM schema_additions";

/// The first table is that of the library `refinery`. See [`migrations`](crate::migrations).
const CREATE_TABLES: &str = "\
CREATE /* migrate.create_history */ TABLE IF NOT EXISTS refinery_schema_history (
    version    integer NOT NULL PRIMARY KEY,
    name       varchar(255),
    applied_on varchar(255),
    checksum   varchar(255)
);
CREATE /* migrate.create_additions */ TABLE IF NOT EXISTS schema_additions (
    version    integer NOT NULL PRIMARY KEY,
    name       varchar(255),
    applied_on varchar(255),
    checksum   varchar(255)
)";

const RECORD: &str = "\
INSERT /* migrate.record */ INTO refinery_schema_history (version, name, applied_on, checksum)
VALUES ($1, $2, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), $3)";

const RECORD_ADDITION: &str = "\
INSERT /* migrate.record_addition */ INTO schema_additions (version, name, applied_on, checksum)
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
    let (known, found) = (known(), applied(&client).await?);
    if known.missing(&found)?.is_empty() {
        tell_newer(&known, &found);
        return Ok(());
    }
    let tx = client.transaction().await?;
    tx.batch_execute(LIMITS).await?;
    lock(&tx).await?;
    tx.batch_execute(CREATE_TABLES).await.map_err(|error| failed("of the tables of versions", error))?;
    for migration in known.missing(&applied_in(&tx).await?)? {
        apply(&tx, migration).await.map_err(|error| failed(&migration.to_string(), error))?;
    }
    Ok(tx.commit().await?)
}

/// Returns the state of the schema. Reads only. Returns an error if the database has a migration that this binary can
/// not work with, or another one under the same number.
pub async fn state(client: &Session) -> Result<SchemaState, StoreError> {
    let applied = applied(client).await?;
    let is_complete = known().missing(&applied)?.is_empty();
    Ok(match (applied.is_empty(), is_complete) {
        (true, _) => SchemaState::Empty,
        (false, true) => SchemaState::UpToDate,
        (false, false) => SchemaState::Behind,
    })
}

fn known() -> Known {
    Known::new(embedded::migrations::runner().get_migrations())
}

/// Returns the migrations that were applied; none of a database without the tables of versions.
async fn applied(client: &Session) -> Result<Vec<Applied>, StoreError> {
    let statement = client.prepare_cached(TABLES_EXIST).await?;
    let exist = client.query_one(&statement, &[]).await?;
    let mut found = Vec::new();
    for (table, query) in [("history", HISTORY), ("additions", ADDITIONS)] {
        if exist.try_get(table)? {
            let statement = client.prepare_cached(query).await?;
            found.extend(rows(&client.query(&statement, &[]).await?)?);
        }
    }
    Ok(found)
}

/// Returns the migrations that were applied to a database that has the tables of versions.
async fn applied_in(tx: &Transaction<'_>) -> Result<Vec<Applied>, StoreError> {
    let mut found = Vec::new();
    for query in [HISTORY, ADDITIONS] {
        let statement = tx.prepare_cached(query).await?;
        found.extend(rows(&tx.query(&statement, &[]).await?)?);
    }
    Ok(found)
}

fn rows(rows: &[Row]) -> Result<Vec<Applied>, StoreError> {
    let applied = |row: &Row| -> Result<Applied, StoreError> {
        let version: i32 = row.try_get("version")?;
        let (checksum, is_additive) = (row.try_get("checksum")?, row.try_get("is_additive")?);
        Ok(Applied { version: version.into(), checksum, is_additive })
    };
    rows.iter().map(applied).collect()
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
    let record = if is_additive(migration) { RECORD_ADDITION } else { RECORD };
    let statement = tx.prepare_cached(record).await?;
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
