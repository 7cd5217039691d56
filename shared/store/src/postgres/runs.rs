//! Table `runs`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{ProviderId, RunId, Tenant};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PgStore, deferred,
    error::violated,
    events, series,
    session::Transaction,
    values::{Cell as _, parameters, record, text},
};
use crate::{
    ActiveRun, RunReader, RunRow, RunVersion, StoreError, TokenBudget,
    columns::{
        Cells, ColumnList, Dialect, Stored as _, inserted, push_updated,
        sql::{self, Sql},
    },
    ledger::{LockedRun, LockedRuns},
    run::{after_prefix, not_ended},
    time::micros,
};

static INSERT: Sql = Sql::new(|| {
    sql::insert::<RunRow>(
        Dialect::Postgres,
        "runs.insert",
        "runs",
        "ON CONFLICT (idempotency_key) DO NOTHING",
    )
});

static SAVE: Sql =
    Sql::new(|| sql::update::<RunRow>(Dialect::Postgres, "runs.save", "runs", 2, "WHERE id = $1"));

const CONFIGURE: &str = "\
UPDATE /* runs.configure */ runs
SET config = $2,
    submitted_config = $3,
    priority = $4,
    budget = $5,
    total = $6,
    judges = $7
WHERE id = $1";

static GET: Sql = Sql::new(|| select("runs.get", "WHERE id = $1"));

static BY_KEY: Sql = Sql::new(|| select("runs.by_key", "WHERE idempotency_key = $1"));

// The keys of a prefix are a range, and the inner OFFSET keeps the planner from reading the newest runs instead.
static NEWEST_BY_KEY: Sql = Sql::new(|| {
    select(
        "runs.newest_by_key",
        "\
WHERE id = (
    SELECT named.id
    FROM (
        SELECT id
        FROM runs
        WHERE idempotency_key COLLATE \"C\" >= $1 /* prefix */
          AND idempotency_key COLLATE \"C\" < $2 /* after the prefix */
          AND tenant = $3
        OFFSET 0
    ) AS named
    ORDER BY named.id DESC
    LIMIT 1
)",
    )
});

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE id < $1 /* before */\n  AND kind <> 'judge'\nORDER BY id DESC\nLIMIT $2";
    select("runs.page", rest)
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest =
        "WHERE tenant = $3\n  AND id < $1 /* before */\n  AND kind <> 'judge'\nORDER BY id DESC\nLIMIT $2";
    select("runs.page_of_tenant", rest)
});

static SELECT: Sql = Sql::new(|| select("runs.select", "WHERE id = ANY ($1)\nORDER BY id"));

// The rows are always locked in the order of the ids, so that two batches with the same runs cannot deadlock.
static LOCK: Sql = Sql::new(|| select("runs.lock", "WHERE id = ANY ($1)\nORDER BY id\nFOR UPDATE"));

static ACTIVE: Sql = Sql::new(|| {
    let rest = "WHERE runs.finished_at IS NULL\n  AND runs.kind NOT IN ('interactive', 'lighteval')\nORDER BY runs.id";
    select_active("runs.active", rest)
});

static INTERACTIVE: Sql = Sql::new(|| {
    let rest = "WHERE runs.finished_at IS NULL\n  AND runs.kind = 'interactive'\nORDER BY runs.id";
    select("runs.interactive", rest)
});

static RESCORING: Sql =
    Sql::new(|| select("runs.rescoring", "WHERE rescoring IS NOT NULL\nORDER BY id\nLIMIT $1"));

static JUDGED: Sql = Sql::new(|| select("runs.judged", "WHERE judging\nORDER BY id\nLIMIT $1"));

static CHARGED: Sql = Sql::new(|| select_active("runs.charged", "WHERE runs.id = $1"));

fn select_active(name: &str, rest: &str) -> String {
    format!(
        "\
SELECT /* {name} */ {}, datasets.item_count, {}
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
DELETE /* runs.delete */ FROM runs
WHERE id = $1";

const HOLD_ENDED: &str = "\
SELECT /* runs.hold_ended */ id
FROM runs
WHERE id = $1
  AND finished_at = $2
FOR KEY SHARE";

const HAS_ACTIVE: &str = "\
SELECT /* runs.has_active */ EXISTS (
    SELECT
    FROM runs
    WHERE provider_id = $1
      AND finished_at IS NULL
      AND kind <> 'interactive'
)";

const VERSIONS: &str = "\
SELECT /* runs.versions */ id, seq
FROM runs
WHERE finished_at IS NULL
   OR finished_at >= $1
ORDER BY id";

#[async_trait]
impl RunReader for PgStore {
    async fn run(&self, id: RunId) -> Result<RunRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&GET).await?;
        let row = client.query_opt(&statement, &[&id.uuid()]).await?;
        record(&row.ok_or_else(|| StoreError::not_found("run", id))?)
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
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let client = self.client().await?;
        let statement = client.prepare_cached(&SELECT).await?;
        client.query(&statement, &[&ids]).await?.iter().map(record).collect()
    }

    async fn newest_run_by_key(&self, tenant: &Tenant, prefix: &str) -> Result<Option<RunRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&NEWEST_BY_KEY).await?;
        let (prefix, after) = (text(prefix), after_prefix(prefix));
        let row = client.query_opt(&statement, &[&prefix, &text(&after), &tenant.as_str()]).await?;
        row.as_ref().map(record).transpose()
    }

    async fn rescoring_runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&RESCORING).await?;
        client.query(&statement, &[&i64::from(limit)]).await?.iter().map(record).collect()
    }

    async fn judged_runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&JUDGED).await?;
        client.query(&statement, &[&i64::from(limit)]).await?.iter().map(record).collect()
    }

    async fn run_versions(&self, since: Timestamp) -> Result<Vec<RunVersion>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(VERSIONS).await?;
        let rows = client.query(&statement, &[&micros(since)]).await?;
        rows.iter().map(|row| Ok(RunVersion { run_id: row.cell("id")?, seq: row.cell("seq")? })).collect()
    }
}

/// Returns the run with the idempotency key of `row`, if it has one.
pub async fn by_key(tx: &Transaction<'_>, row: &RunRow) -> Result<Option<RunRow>, StoreError> {
    let Some(key) = &row.submission.idempotency_key else { return Ok(None) };
    let statement = tx.prepare_cached(&BY_KEY).await?;
    tx.query_opt(&statement, &[&text(key)]).await?.as_ref().map(record).transpose()
}

/// Returns false if the run was not inserted because its idempotency key is taken.
pub async fn insert(tx: &Transaction<'_>, row: &RunRow) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(&INSERT).await?;
    let inserted = tx.execute(&statement, &parameters(&inserted::<RunRow>(row))).await;
    let inserted = inserted.map_err(|error| match violated(&error) {
        Some("runs_dataset_exists") => StoreError::not_found("dataset", row.submission.dataset_id),
        Some("runs_pkey") => StoreError::Conflict(format!("there is a run {} already", row.id)),
        _ => error.into(),
    })?;
    Ok(inserted == 1)
}

/// Locks the run until the transaction ends.
pub async fn lock(tx: &Transaction<'_>, id: RunId) -> Result<LockedRun, StoreError> {
    lock_all(tx, &[id]).await?.remove(&id).ok_or_else(|| StoreError::not_found("run", id))
}

/// Locks those of the runs that exist, until the transaction ends.
pub async fn lock_all(tx: &Transaction<'_>, ids: &[RunId]) -> Result<LockedRuns, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let statement = tx.prepare_cached(&LOCK).await?;
    let rows = tx.query(&statement, &[&ids]).await?;
    rows.iter()
        .map(|row| {
            let run: RunRow = record(row)?;
            Ok((run.id, LockedRun::new(run)))
        })
        .collect()
}

/// Writes back a locked run, with its events.
pub async fn save(tx: &Transaction<'_>, run: &LockedRun) -> Result<(), StoreError> {
    if run.is_configured() {
        configure(tx, &run.row).await?;
    }
    update(tx, &run.row).await?;
    events::append(tx, run.pages()).await?;
    series::insert(tx, [run]).await?;
    if run.drops_deferred() {
        deferred::delete_all(tx, run.row.id).await?;
    }
    Ok(())
}

/// Writes the settings of a run, and its total, which depends on them.
async fn configure(tx: &Transaction<'_>, row: &RunRow) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(CONFIGURE).await?;
    tx.execute(&statement, &parameters(&row.configuration())).await?;
    Ok(())
}

pub async fn update(tx: &Transaction<'_>, row: &RunRow) -> Result<(), StoreError> {
    let mut values = vec![row.id.to_value()];
    push_updated::<RunRow>(&mut values, row);
    let statement = tx.prepare_cached(&SAVE).await?;
    tx.execute(&statement, &parameters(&values)).await?;
    Ok(())
}

/// Deletes the row of a locked run.
pub async fn delete(tx: &Transaction<'_>, id: RunId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(DELETE).await?;
    tx.execute(&statement, &[&id.uuid()]).await?;
    Ok(())
}

/// Keeps a run that has ended at this time from being removed until the transaction ends.
pub async fn hold_ended(tx: &Transaction<'_>, id: RunId, ended_at: Timestamp) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(HOLD_ENDED).await?;
    let held = tx.query_opt(&statement, &[&id.uuid(), &micros(ended_at)]).await?;
    held.map(drop).ok_or_else(|| not_ended(id))
}

/// Returns true if a run of the provider has not ended.
pub async fn has_active(tx: &Transaction<'_>, provider: ProviderId) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(HAS_ACTIVE).await?;
    Ok(tx.query_one(&statement, &[&provider.uuid()]).await?.try_get(0)?)
}

pub async fn active(store: &PgStore) -> Result<Vec<ActiveRun>, StoreError> {
    let client = store.client().await?;
    let statement = client.prepare_cached(&ACTIVE).await?;
    client.query(&statement, &[]).await?.iter().map(read_active).collect()
}

pub async fn interactive(store: &PgStore) -> Result<Vec<RunRow>, StoreError> {
    let client = store.client().await?;
    let statement = client.prepare_cached(&INTERACTIVE).await?;
    client.query(&statement, &[]).await?.iter().map(record).collect()
}

pub async fn charged(store: &PgStore, id: RunId) -> Result<ActiveRun, StoreError> {
    let client = store.client().await?;
    let statement = client.prepare_cached(&CHARGED).await?;
    let row = client.query_opt(&statement, &[&id.uuid()]).await?;
    read_active(&row.ok_or_else(|| StoreError::not_found("run", id))?)
}

fn read_active(row: &Row) -> Result<ActiveRun, StoreError> {
    let mut cells = Cells::new(row);
    Ok(ActiveRun { run: cells.record()?, items: cells.take("item_count")?, token_budget: cells.record()? })
}
