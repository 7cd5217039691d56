//! Table `runs`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{ProviderId, RunId, Tenant};
use rusqlite::{Connection, Row, params, params_from_iter};
use uuid::Uuid;

use super::{
    SqliteStore, deferred,
    error::{is_dangling, is_taken},
    events, series,
    values::{Cell as _, all, blob, execute, first, record, time},
};
use crate::{
    ActiveRun, RunReader, RunRow, RunVersion, StoreError, TokenBudget,
    columns::{
        Cells, ColumnList, Dialect, Stored as _, inserted, push_updated,
        sql::{self, Sql},
    },
    ledger::{LockedRun, LockedRuns},
    run::{after_prefix, not_ended},
};

static INSERT: Sql = Sql::new(|| sql::insert::<RunRow>(Dialect::Sqlite, "runs.insert", "runs", ""));

static SAVE: Sql =
    Sql::new(|| sql::update::<RunRow>(Dialect::Sqlite, "runs.save", "runs", 2, "WHERE id = ?1"));

const CONFIGURE: &str = "\
-- runs.configure
UPDATE runs
SET config = ?2,
    submitted_config = ?3,
    priority = ?4,
    budget = ?5,
    total = ?6,
    judges = ?7
WHERE id = ?1";

static GET: Sql = Sql::new(|| select("runs.get", "WHERE id = ?1"));

static BY_KEY: Sql = Sql::new(|| select("runs.by_key", "WHERE idempotency_key = ?1"));

static NEWEST_BY_KEY: Sql = Sql::new(|| {
    select(
        "runs.newest_by_key",
        "\
WHERE idempotency_key >= ?1 /* prefix */
  AND idempotency_key < ?2 /* after the prefix */
  AND tenant = ?3
ORDER BY id DESC
LIMIT 1",
    )
});

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE id < ?1 /* before */\n  AND kind <> 'judge'\nORDER BY id DESC\nLIMIT ?2";
    select("runs.page", rest)
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest =
        "WHERE tenant = ?3\n  AND id < ?1 /* before */\n  AND kind <> 'judge'\nORDER BY id DESC\nLIMIT ?2";
    select("runs.page_of_tenant", rest)
});

static ACTIVE: Sql = Sql::new(|| {
    let rest = "WHERE runs.finished_at IS NULL\n  AND runs.kind NOT IN ('interactive', 'lighteval')\nORDER BY runs.id";
    select_active("runs.active", rest)
});

static INTERACTIVE: Sql = Sql::new(|| {
    let rest = "WHERE runs.finished_at IS NULL\n  AND runs.kind = 'interactive'\nORDER BY runs.id";
    select("runs.interactive", rest)
});

static RESCORING: Sql =
    Sql::new(|| select("runs.rescoring", "WHERE rescoring IS NOT NULL\nORDER BY id\nLIMIT ?1"));

static JUDGED: Sql = Sql::new(|| select("runs.judged", "WHERE judging\nORDER BY id\nLIMIT ?1"));

static CHARGED: Sql = Sql::new(|| select_active("runs.charged", "WHERE runs.id = ?1"));

fn select_active(name: &str, rest: &str) -> String {
    format!(
        "\
-- {name}
SELECT {}, datasets.item_count, {}
FROM runs
JOIN datasets ON datasets.id = runs.dataset_id
LEFT JOIN tokens ON tokens.id = runs.token_id
    AND tokens.budget IS NOT NULL
{rest}",
        ColumnList::of::<RunRow>().select("runs"),
        ColumnList::of::<TokenBudget>().select("tokens"),
    )
}

fn select(name: &str, rest: &str) -> String {
    sql::select::<RunRow>(name, "runs", rest)
}

const DELETE: &str = "\
-- runs.delete
DELETE FROM runs
WHERE id = ?1";

const ENDED_AT: &str = "\
-- runs.ended_at
SELECT id
FROM runs
WHERE id = ?1
  AND finished_at = ?2";

const HAS_ACTIVE: &str = "\
-- runs.has_active
SELECT EXISTS (
    SELECT 1
    FROM runs
    WHERE provider_id = ?1
      AND finished_at IS NULL
      AND kind <> 'interactive'
)";

const VERSIONS: &str = "\
-- runs.versions
SELECT id, seq
FROM runs
WHERE finished_at IS NULL
   OR finished_at >= ?1
ORDER BY id";

#[async_trait]
impl RunReader for SqliteStore {
    async fn run(&self, id: RunId) -> Result<RunRow, StoreError> {
        let found = self.read(move |db| first(db, &GET, [blob(id.uuid())], record)).await?;
        found.ok_or_else(|| StoreError::not_found("run", id))
    }

    async fn runs(
        &self,
        tenant: Option<&Tenant>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreError> {
        let before = before.map_or(Uuid::max(), RunId::uuid);
        self.page((&PAGE, &PAGE_OF_TENANT), tenant, before, limit).await
    }

    async fn run_rows(&self, ids: &[RunId]) -> Result<Vec<RunRow>, StoreError> {
        let ids = ids.to_owned();
        self.read(move |db| Ok(load_all(db, &ids)?.into_values().map(|run| run.row).collect())).await
    }

    async fn newest_run_by_key(&self, tenant: &Tenant, prefix: &str) -> Result<Option<RunRow>, StoreError> {
        let range = [prefix.to_owned(), after_prefix(prefix), tenant.to_string()];
        self.read(move |db| first(db, &NEWEST_BY_KEY, range, record)).await
    }

    async fn rescoring_runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        self.read(move |db| all(db, &RESCORING, [limit], record)).await
    }

    async fn judged_runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        self.read(move |db| all(db, &JUDGED, [limit], record)).await
    }

    async fn run_versions(&self, since: Timestamp) -> Result<Vec<RunVersion>, StoreError> {
        self.read(move |db| {
            all(db, VERSIONS, [time(since)], |row| {
                Ok(RunVersion { run_id: row.cell("id")?, seq: row.cell("seq")? })
            })
        })
        .await
    }
}

/// Returns the run with the idempotency key of `row`, if it has one.
pub fn by_key(db: &Connection, row: &RunRow) -> Result<Option<RunRow>, StoreError> {
    match &row.submission.idempotency_key {
        Some(key) => first(db, &BY_KEY, [key], record),
        None => Ok(None),
    }
}

pub fn insert(db: &Connection, row: &RunRow) -> Result<(), StoreError> {
    execute(db, &INSERT, params_from_iter(inserted::<RunRow>(row))).map_err(|error| {
        if is_dangling(&error) {
            StoreError::not_found("dataset", row.submission.dataset_id)
        } else if is_taken(&error, "runs.id") {
            StoreError::Conflict(format!("there is a run {} already", row.id))
        } else {
            error.into()
        }
    })?;
    Ok(())
}

/// Loads the run as the transaction sees it. There is only one writer, so the transaction serves as the lock.
pub fn load(db: &Connection, id: RunId) -> Result<LockedRun, StoreError> {
    load_all(db, &[id])?.remove(&id).ok_or_else(|| StoreError::not_found("run", id))
}

/// Loads those of the runs that exist.
pub fn load_all(db: &Connection, ids: &[RunId]) -> Result<LockedRuns, StoreError> {
    let mut runs = LockedRuns::new();
    for id in ids {
        if let Some(row) = first(db, &GET, [blob(id.uuid())], record)? {
            runs.insert(*id, LockedRun::new(row));
        }
    }
    Ok(runs)
}

/// Writes back a changed run, with its events.
pub fn save(db: &Connection, run: &LockedRun) -> Result<(), StoreError> {
    if run.is_configured() {
        execute(db, CONFIGURE, params_from_iter(run.row.configuration()))?;
    }
    let mut values = vec![run.row.id.to_value()];
    push_updated::<RunRow>(&mut values, &run.row);
    execute(db, &SAVE, params_from_iter(values))?;
    events::append(db, run.pages())?;
    series::insert(db, run.row.id, run.series())?;
    if run.drops_deferred() {
        deferred::delete_all(db, run.row.id)?;
    }
    Ok(())
}

pub fn delete(db: &Connection, id: RunId) -> Result<(), StoreError> {
    execute(db, DELETE, [blob(id.uuid())])?;
    Ok(())
}

/// Returns a [`StoreError::Conflict`] unless the run is there and has ended at this time.
pub fn require_ended_at(db: &Connection, id: RunId, ended_at: Timestamp) -> Result<(), StoreError> {
    let found = first(db, ENDED_AT, params![blob(id.uuid()), time(ended_at)], |_| Ok(()))?;
    found.ok_or_else(|| not_ended(id))
}

/// Returns true if a run of the provider has not ended.
pub fn has_active(db: &Connection, provider: ProviderId) -> Result<bool, StoreError> {
    Ok(db.prepare_cached(HAS_ACTIVE)?.query_row([blob(provider.uuid())], |row| row.get(0))?)
}

pub fn active(db: &Connection) -> Result<Vec<ActiveRun>, StoreError> {
    all(db, &ACTIVE, [], read_active)
}

pub fn interactive(db: &Connection) -> Result<Vec<RunRow>, StoreError> {
    all(db, &INTERACTIVE, [], record)
}

pub fn charged(db: &Connection, id: RunId) -> Result<ActiveRun, StoreError> {
    let found = first(db, &CHARGED, [blob(id.uuid())], read_active)?;
    found.ok_or_else(|| StoreError::not_found("run", id))
}

fn read_active(row: &Row<'_>) -> Result<ActiveRun, StoreError> {
    let mut cells = Cells::new(row);
    Ok(ActiveRun { run: cells.record()?, items: cells.take("item_count")?, token_budget: cells.record()? })
}
