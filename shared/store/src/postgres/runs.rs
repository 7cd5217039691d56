//! Table `runs`.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use runmill_proto::{DatasetId, ProviderId, RunConfig, RunId};
use tokio_postgres::{Row, types::Json};
use uuid::Uuid;

use super::{
    PgStore, datasets, deferred,
    error::violated,
    events, providers, results,
    values::{Columns as _, bigint, integer, optional_text, text},
};
use crate::{
    CreatedRun, RunRow, Runs, StoreError, Transition,
    ledger::{Move, OpenRun, OpenRuns, plan},
    run::same_request,
};

macro_rules! columns {
    () => {
        "runs.id, runs.name, runs.provider_id, runs.model, runs.dataset_id, runs.config, runs.priority, runs.budget,
       runs.idempotency_key, runs.status, runs.total, runs.fed, runs.deferred, runs.epoch, runs.seq, runs.stats,
       runs.created_at, runs.started_at, runs.finished_at, runs.paused_at, runs.pause_reason, runs.resume_at,
       runs.cancel_requested_at, runs.retry_count, runs.retry_after, runs.retry_requested_at, runs.retry_reason,
       runs.resumed_count, runs.last_resumed_at, runs.progress_at, runs.traceparent"
    };
}

const INSERT: &str = "\
-- runs.insert
INSERT INTO runs (id, name, provider_id, model, dataset_id, config, priority, budget, idempotency_key, status,
                  total, fed, deferred, epoch, seq, stats, created_at, retry_count, resumed_count,
                  traceparent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
ON CONFLICT (idempotency_key) DO NOTHING";

const GET: &str = concat!("-- runs.get\nSELECT ", columns!(), "\nFROM runs\nWHERE id = $1");

const BY_KEY: &str =
    concat!("-- runs.by_key\nSELECT ", columns!(), "\nFROM runs\nWHERE idempotency_key = $1");

const NEWEST_BY_KEY: &str = concat!(
    "-- runs.newest_by_key\nSELECT ",
    columns!(),
    "\nFROM runs\nWHERE starts_with(idempotency_key, $1 /* prefix */)\nORDER BY id DESC\nLIMIT 1"
);

const PAGE: &str = concat!(
    "-- runs.page\nSELECT ",
    columns!(),
    "\nFROM runs\nWHERE id < $1 /* before */\nORDER BY id DESC\nLIMIT $2"
);

const SELECT: &str =
    concat!("-- runs.select\nSELECT ", columns!(), "\nFROM runs\nWHERE id = ANY ($1)\nORDER BY id");

const ACTIVE: &str = concat!(
    "-- runs.active\nSELECT ",
    columns!(),
    ", datasets.item_count
FROM runs
JOIN datasets ON datasets.id = runs.dataset_id
WHERE runs.finished_at IS NULL
ORDER BY runs.id"
);

// In the order of the ids, always: two batches over the same runs cannot deadlock.
const LOCK: &str =
    concat!("-- runs.lock\nSELECT ", columns!(), "\nFROM runs\nWHERE id = ANY ($1)\nORDER BY id\nFOR UPDATE");

const SAVE: &str = "\
-- runs.save
UPDATE runs
SET status = $2,
    fed = $3,
    deferred = $4,
    epoch = $5,
    seq = $6,
    stats = $7,
    started_at = $8,
    finished_at = $9,
    paused_at = $10,
    pause_reason = $11,
    cancel_requested_at = $12,
    retry_count = $13,
    retry_after = $14,
    retry_requested_at = $15,
    retry_reason = $16,
    resumed_count = $17,
    last_resumed_at = $18,
    progress_at = $19,
    resume_at = $20
WHERE id = $1";

const HAS_ACTIVE: &str = "\
-- runs.has_active
SELECT EXISTS (
    SELECT
    FROM runs
    WHERE provider_id = $1
      AND finished_at IS NULL
)";

pub const VERSIONS: &str = "\
-- runs.versions
SELECT id, seq
FROM runs
WHERE finished_at IS NULL
   OR finished_at >= $1
ORDER BY id";

#[async_trait]
impl Runs for PgStore {
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        if let Some(existing) = by_key(&tx, row).await? {
            return same_request(existing, row).map(CreatedRun::Existing);
        }
        let hold = tx.prepare_cached(providers::HOLD).await?;
        let provider = tx.query_opt(&hold, &[&row.provider_id.uuid()]).await?;
        provider.ok_or_else(|| providers::not_found(row.provider_id))?;
        let run = OpenRun::created(row);
        if !insert(&tx, &run.row).await? {
            // Another request with the key was quicker, and has committed.
            let existing = by_key(&tx, row).await?.ok_or_else(|| not_found(row.id))?;
            return same_request(existing, row).map(CreatedRun::Existing);
        }
        events::append(&tx, run.pages()).await?;
        tx.commit().await?;
        Ok(CreatedRun::New(run.row))
    }

    async fn run(&self, id: RunId) -> Result<RunRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(GET).await?;
        let row = client.query_opt(&statement, &[&id.uuid()]).await?;
        run(&row.ok_or_else(|| not_found(id))?)
    }

    async fn runs(&self, before: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        let before = before.map_or(Uuid::max(), RunId::uuid);
        let client = self.client().await?;
        let statement = client.prepare_cached(PAGE).await?;
        client.query(&statement, &[&before, &i64::from(limit)]).await?.iter().map(run).collect()
    }

    async fn newest_run_by_key(&self, prefix: &str) -> Result<Option<RunRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(NEWEST_BY_KEY).await?;
        client.query_opt(&statement, &[&text(prefix)]).await?.as_ref().map(run).transpose()
    }

    async fn transition(
        &self,
        id: RunId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<RunRow, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let mut run = lock(&tx, id).await?;
        let moved = match plan(&run.row, &transition)? {
            Move::Nothing => 0,
            Move::DeferredToNow => deferred::make_due(&tx, id, now).await?,
            Move::FailedToNow => {
                let failed = results::delete_failed(&tx, id).await?;
                deferred::insert_due(&tx, id, &failed, now).await?
            }
            Move::LostToNow => deferred::insert_lost(&tx, &run.row, now, u32::MAX).await?,
        };
        run.carry_out(&transition, moved, now);
        save(&tx, &run).await?;
        tx.commit().await?;
        Ok(run.row)
    }
}

async fn by_key(tx: &Transaction<'_>, row: &RunRow) -> Result<Option<RunRow>, StoreError> {
    let Some(key) = &row.idempotency_key else { return Ok(None) };
    let statement = tx.prepare_cached(BY_KEY).await?;
    tx.query_opt(&statement, &[&text(key)]).await?.as_ref().map(run).transpose()
}

/// Whether the run was inserted; if not, its idempotency key is taken.
async fn insert(tx: &Transaction<'_>, row: &RunRow) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(INSERT).await?;
    let inserted = tx
        .execute(
            &statement,
            &[
                &row.id.uuid(),
                &optional_text(row.name.as_deref()),
                &row.provider_id.uuid(),
                &text(&row.model),
                &row.dataset_id.uuid(),
                &Json(&row.config),
                &integer(row.priority),
                &row.budget.as_ref().map(Json),
                &optional_text(row.idempotency_key.as_deref()),
                &row.status.as_str(),
                &bigint(row.total),
                &bigint(row.fed),
                &bigint(row.deferred),
                &integer(row.epoch),
                &bigint(row.seq),
                &Json(&row.stats),
                &row.created_at,
                &integer(row.retry_count),
                &integer(row.resumed_count),
                &optional_text(row.traceparent.as_deref()),
            ],
        )
        .await
        .map_err(|error| match violated(&error) {
            Some("runs_dataset_exists") => datasets::not_found(row.dataset_id),
            Some("runs_pkey") => StoreError::Conflict(format!("there is a run {} already", row.id)),
            _ => error.into(),
        })?;
    Ok(inserted == 1)
}

/// The run, locked until the transaction ends.
pub async fn lock(tx: &Transaction<'_>, id: RunId) -> Result<OpenRun, StoreError> {
    lock_all(tx, &[id]).await?.remove(&id).ok_or_else(|| not_found(id))
}

/// Those of `ids` that are there, locked until the transaction ends.
pub async fn lock_all(tx: &Transaction<'_>, ids: &[RunId]) -> Result<OpenRuns, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let statement = tx.prepare_cached(LOCK).await?;
    let rows = tx.query(&statement, &[&ids]).await?;
    rows.iter()
        .map(|row| {
            let run = run(row)?;
            Ok((run.id, OpenRun::new(run, row.try_get("progress_at")?)))
        })
        .collect()
}

/// Writes back what was decided of a locked run, with its events.
pub async fn save(tx: &Transaction<'_>, run: &OpenRun) -> Result<(), StoreError> {
    update(tx, run).await?;
    events::append(tx, run.pages()).await?;
    if run.drops_deferred() {
        deferred::delete_all(tx, run.row.id).await?;
    }
    Ok(())
}

pub async fn update(tx: &Transaction<'_>, run: &OpenRun) -> Result<(), StoreError> {
    let row = &run.row;
    let statement = tx.prepare_cached(SAVE).await?;
    tx.execute(
        &statement,
        &[
            &row.id.uuid(),
            &row.status.as_str(),
            &bigint(row.fed),
            &bigint(row.deferred),
            &integer(row.epoch),
            &bigint(row.seq),
            &Json(&row.stats),
            &row.started_at,
            &row.finished_at,
            &row.paused_at,
            &optional_text(row.pause_reason.as_deref()),
            &row.cancel_requested_at,
            &integer(row.retry_count),
            &row.retry_after,
            &row.retry_requested_at,
            &optional_text(row.retry_reason.as_deref()),
            &integer(row.resumed_count),
            &row.last_resumed_at,
            &run.progress_at,
            &row.resume_at,
        ],
    )
    .await?;
    Ok(())
}

/// Whether a run of the provider has not ended.
pub async fn has_active(tx: &Transaction<'_>, provider: ProviderId) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(HAS_ACTIVE).await?;
    Ok(tx.query_one(&statement, &[&provider.uuid()]).await?.try_get(0)?)
}

/// Every run that has not ended, with the size of its dataset.
pub async fn active(store: &PgStore) -> Result<Vec<(RunRow, u64)>, StoreError> {
    let client = store.client().await?;
    let statement = client.prepare_cached(ACTIVE).await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter().map(|row| Ok((run(row)?, row.count("item_count")?))).collect()
}

pub async fn select(store: &PgStore, ids: &[RunId]) -> Result<Vec<RunRow>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let client = store.client().await?;
    let statement = client.prepare_cached(SELECT).await?;
    client.query(&statement, &[&ids]).await?.iter().map(run).collect()
}

pub fn not_found(id: RunId) -> StoreError {
    StoreError::NotFound { what: "run", id: id.to_string() }
}

fn run(row: &Row) -> Result<RunRow, StoreError> {
    Ok(RunRow {
        id: RunId::from_uuid(row.try_get("id")?),
        name: row.try_get("name")?,
        provider_id: ProviderId::from_uuid(row.try_get("provider_id")?),
        model: row.try_get("model")?,
        dataset_id: DatasetId::from_uuid(row.try_get("dataset_id")?),
        config: row.json::<RunConfig>("config")?,
        priority: row.number("priority")?,
        budget: row.optional_json("budget")?,
        idempotency_key: row.try_get("idempotency_key")?,
        traceparent: row.try_get("traceparent")?,
        status: row.word("status")?,
        total: row.count("total")?,
        fed: row.count("fed")?,
        deferred: row.count("deferred")?,
        epoch: row.number("epoch")?,
        seq: row.count("seq")?,
        stats: row.json("stats")?,
        created_at: row.try_get("created_at")?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        paused_at: row.try_get("paused_at")?,
        pause_reason: row.try_get("pause_reason")?,
        resume_at: row.try_get("resume_at")?,
        cancel_requested_at: row.try_get("cancel_requested_at")?,
        retry_count: row.number("retry_count")?,
        retry_after: row.try_get("retry_after")?,
        retry_requested_at: row.try_get("retry_requested_at")?,
        retry_reason: row.try_get("retry_reason")?,
        resumed_count: row.number("resumed_count")?,
        last_resumed_at: row.try_get("last_resumed_at")?,
    })
}
