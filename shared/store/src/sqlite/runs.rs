//! Table `runs`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, ProviderId, RunId};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{
    SqliteStore, datasets, deferred,
    error::{is_dangling, is_taken},
    events, providers, results,
    values::{Columns as _, all, blob, execute, first, int, json, time},
};
use crate::{
    ActiveRun, CreatedRun, RunRow, RunVersion, Runs, StoreError, Transition,
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
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

const GET: &str = concat!("-- runs.get\nSELECT ", columns!(), "\nFROM runs\nWHERE id = ?1");

const BY_KEY: &str =
    concat!("-- runs.by_key\nSELECT ", columns!(), "\nFROM runs\nWHERE idempotency_key = ?1");

const NEWEST_BY_KEY: &str = concat!(
    "-- runs.newest_by_key\nSELECT ",
    columns!(),
    "\nFROM runs\nWHERE substr(idempotency_key, 1, length(?1)) = ?1 /* prefix */\nORDER BY id DESC\nLIMIT 1"
);

const PAGE: &str = concat!(
    "-- runs.page\nSELECT ",
    columns!(),
    "\nFROM runs\nWHERE id < ?1 /* before */\nORDER BY id DESC\nLIMIT ?2"
);

const ACTIVE: &str = concat!(
    "-- runs.active\nSELECT ",
    columns!(),
    ", datasets.item_count
FROM runs
JOIN datasets ON datasets.id = runs.dataset_id
WHERE runs.finished_at IS NULL
ORDER BY runs.id"
);

const SAVE: &str = "\
-- runs.save
UPDATE runs
SET status = ?2,
    fed = ?3,
    deferred = ?4,
    epoch = ?5,
    seq = ?6,
    stats = ?7,
    started_at = ?8,
    finished_at = ?9,
    paused_at = ?10,
    pause_reason = ?11,
    cancel_requested_at = ?12,
    retry_count = ?13,
    retry_after = ?14,
    retry_requested_at = ?15,
    retry_reason = ?16,
    resumed_count = ?17,
    last_resumed_at = ?18,
    progress_at = ?19,
    resume_at = ?20
WHERE id = ?1";

const HAS_ACTIVE: &str = "\
-- runs.has_active
SELECT EXISTS (
    SELECT 1
    FROM runs
    WHERE provider_id = ?1
      AND finished_at IS NULL
)";

const VERSIONS: &str = "\
-- runs.versions
SELECT id, seq
FROM runs
WHERE finished_at IS NULL
   OR finished_at >= ?1
ORDER BY id";

#[async_trait]
impl Runs for SqliteStore {
    async fn create_run(&self, row: &RunRow) -> Result<CreatedRun, StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            if let Some(existing) = by_key(tx, &row)? {
                return same_request(existing, &row).map(CreatedRun::Existing);
            }
            providers::require(tx, row.provider_id)?;
            let run = OpenRun::created(&row);
            insert(tx, &run.row)?;
            events::append(tx, run.pages())?;
            Ok(CreatedRun::New(run.row))
        })
        .await
    }

    async fn run(&self, id: RunId) -> Result<RunRow, StoreError> {
        let found = self.read(move |db| first(db, GET, [blob(id.uuid())], run)).await?;
        found.ok_or_else(|| not_found(id))
    }

    async fn runs(&self, before: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        let before = before.map_or(Uuid::max(), RunId::uuid);
        self.read(move |db| all(db, PAGE, params![blob(before), limit], run)).await
    }

    async fn newest_run_by_key(&self, prefix: &str) -> Result<Option<RunRow>, StoreError> {
        let prefix = prefix.to_owned();
        self.read(move |db| first(db, NEWEST_BY_KEY, [prefix], run)).await
    }

    async fn transition(
        &self,
        id: RunId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<RunRow, StoreError> {
        self.write(move |tx| {
            let mut run = load(tx, id)?;
            let moved = match plan(&run.row, &transition)? {
                Move::Nothing => 0,
                Move::DeferredToNow => deferred::make_due(tx, id, now)?,
                Move::FailedToNow => {
                    let failed = results::delete_failed(tx, id)?;
                    deferred::insert_due(tx, &failed, now)?
                }
                Move::LostToNow => deferred::insert_lost(tx, &run.row, now, u32::MAX)?,
            };
            run.carry_out(&transition, moved, now);
            save(tx, &run)?;
            Ok(run.row)
        })
        .await
    }
}

fn by_key(db: &Connection, row: &RunRow) -> Result<Option<RunRow>, StoreError> {
    match &row.idempotency_key {
        Some(key) => first(db, BY_KEY, [key], run),
        None => Ok(None),
    }
}

fn insert(db: &Connection, row: &RunRow) -> Result<(), StoreError> {
    execute(
        db,
        INSERT,
        params![
            blob(row.id.uuid()),
            row.name,
            blob(row.provider_id.uuid()),
            row.model,
            blob(row.dataset_id.uuid()),
            json(&row.config),
            row.priority,
            row.budget.as_ref().map(json),
            row.idempotency_key,
            row.status.as_str(),
            int(row.total),
            int(row.fed),
            int(row.deferred),
            row.epoch,
            int(row.seq),
            json(&row.stats),
            time(row.created_at),
            row.retry_count,
            row.resumed_count,
            row.traceparent,
        ],
    )
    .map_err(|error| {
        if is_dangling(&error) {
            datasets::not_found(row.dataset_id)
        } else if is_taken(&error, "runs.id") {
            StoreError::Conflict(format!("there is a run {} already", row.id))
        } else {
            error.into()
        }
    })?;
    Ok(())
}

/// The run as the transaction sees it. There is one writer, so that is the lock.
pub fn load(db: &Connection, id: RunId) -> Result<OpenRun, StoreError> {
    first(db, GET, [blob(id.uuid())], open_run)?.ok_or_else(|| not_found(id))
}

/// Those of `ids` that are there.
pub fn load_all(db: &Connection, ids: &[RunId]) -> Result<OpenRuns, StoreError> {
    let mut runs = OpenRuns::new();
    for id in ids {
        if let Some(run) = first(db, GET, [blob(id.uuid())], open_run)? {
            runs.insert(*id, run);
        }
    }
    Ok(runs)
}

/// Writes back what was decided of a run, with its events.
pub fn save(db: &Connection, run: &OpenRun) -> Result<(), StoreError> {
    let row = &run.row;
    execute(
        db,
        SAVE,
        params![
            blob(row.id.uuid()),
            row.status.as_str(),
            int(row.fed),
            int(row.deferred),
            row.epoch,
            int(row.seq),
            json(&row.stats),
            row.started_at.map(time),
            row.finished_at.map(time),
            row.paused_at.map(time),
            row.pause_reason,
            row.cancel_requested_at.map(time),
            row.retry_count,
            row.retry_after.map(time),
            row.retry_requested_at.map(time),
            row.retry_reason,
            row.resumed_count,
            row.last_resumed_at.map(time),
            run.progress_at.map(time),
            row.resume_at.map(time),
        ],
    )?;
    events::append(db, run.pages())?;
    if run.drops_deferred() {
        deferred::delete_all(db, row.id)?;
    }
    Ok(())
}

/// Whether a run of the provider has not ended.
pub fn has_active(db: &Connection, provider: ProviderId) -> Result<bool, StoreError> {
    Ok(db.prepare_cached(HAS_ACTIVE)?.query_row([blob(provider.uuid())], |row| row.get(0))?)
}

pub fn active(db: &Connection) -> Result<Vec<ActiveRun>, StoreError> {
    all(db, ACTIVE, [], |row| Ok(ActiveRun { run: run(row)?, items: row.count("item_count")? }))
}

pub fn versions(db: &Connection, since: Timestamp) -> Result<Vec<RunVersion>, StoreError> {
    all(db, VERSIONS, [time(since)], |row| {
        Ok(RunVersion { run_id: RunId::from_uuid(row.id("id")?), seq: row.count("seq")? })
    })
}

fn not_found(id: RunId) -> StoreError {
    StoreError::NotFound { what: "run", id: id.to_string() }
}

fn open_run(row: &Row<'_>) -> Result<OpenRun, StoreError> {
    Ok(OpenRun::new(run(row)?, row.optional_time("progress_at")?))
}

fn run(row: &Row<'_>) -> Result<RunRow, StoreError> {
    Ok(RunRow {
        id: RunId::from_uuid(row.id("id")?),
        name: row.optional_text("name")?,
        provider_id: ProviderId::from_uuid(row.id("provider_id")?),
        model: row.text("model")?,
        dataset_id: DatasetId::from_uuid(row.id("dataset_id")?),
        config: row.json("config")?,
        priority: row.number("priority")?,
        budget: row.optional_json("budget")?,
        idempotency_key: row.optional_text("idempotency_key")?,
        traceparent: row.optional_text("traceparent")?,
        status: row.word("status")?,
        total: row.count("total")?,
        fed: row.count("fed")?,
        deferred: row.count("deferred")?,
        epoch: row.number("epoch")?,
        seq: row.count("seq")?,
        stats: row.json("stats")?,
        created_at: row.time("created_at")?,
        started_at: row.optional_time("started_at")?,
        finished_at: row.optional_time("finished_at")?,
        paused_at: row.optional_time("paused_at")?,
        pause_reason: row.optional_text("pause_reason")?,
        resume_at: row.optional_time("resume_at")?,
        cancel_requested_at: row.optional_time("cancel_requested_at")?,
        retry_count: row.number("retry_count")?,
        retry_after: row.optional_time("retry_after")?,
        retry_requested_at: row.optional_time("retry_requested_at")?,
        retry_reason: row.optional_text("retry_reason")?,
        resumed_count: row.number("resumed_count")?,
        last_resumed_at: row.optional_time("last_resumed_at")?,
    })
}
