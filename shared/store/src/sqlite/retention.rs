//! Table `removals`, and what belongs to the runs and datasets in it.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, RunId, Tenant, api::Dataset};
use rusqlite::{Connection, Transaction, params};
use uuid::Uuid;

use super::{
    SqliteStore, answers, batches, budgets, datasets, files, runs, usage_days,
    values::{Cell as _, all, blob, execute, record, time},
};
use crate::{
    Retention, RunRow, StoreError,
    columns::sql::{Sql, select},
};

static ENDED: Sql = Sql::new(|| {
    let rest = "\
WHERE finished_at < ?1 /* before */
  AND id > ?2 /* after */
  AND (?4 IS NULL OR tenant = ?4)
ORDER BY id
LIMIT ?3";
    select::<RunRow>("runs.ended", "runs", rest)
});

static UNUSED: Sql = Sql::new(|| {
    let rest = "\
WHERE created_at < ?1 /* before */
  AND id > ?2 /* after */
  AND NOT EXISTS (
      SELECT 1
      FROM runs
      WHERE runs.dataset_id = datasets.id
  )
  AND (?4 IS NULL OR tenant = ?4)
ORDER BY id
LIMIT ?3";
    select::<Dataset>("datasets.unused", "datasets", rest)
});

const ADD: &str = "\
-- removals.add
INSERT INTO removals (id)
VALUES (?1)
ON CONFLICT DO NOTHING";

const ALL: &str = "\
-- removals.all
SELECT id
FROM removals";

const CLEAR: &str = "\
-- removals.clear
DELETE FROM removals";

// A cross join reads what was removed first, in this order, and not all rows of the other table.
const DELETE: [&str; 6] = [
    "\
-- results.sweep
DELETE FROM results
WHERE (run_id, ordinal, sample) IN (
    SELECT run_id, ordinal, sample
    FROM removals
    CROSS JOIN results ON run_id = removals.id
    LIMIT ?1
)",
    "\
-- answers.sweep
DELETE FROM answers
WHERE (run_id, ordinal, sample) IN (
    SELECT run_id, ordinal, sample
    FROM removals
    CROSS JOIN answers ON run_id = removals.id
    LIMIT ?1
)",
    "\
-- invocations.sweep
DELETE FROM invocations
WHERE (run_id, id) IN (
    SELECT run_id, invocations.id
    FROM removals
    CROSS JOIN invocations ON run_id = removals.id
    LIMIT ?1
)",
    "\
-- run_events.sweep
DELETE FROM run_events
WHERE (run_id, last_seq) IN (
    SELECT run_id, last_seq
    FROM removals
    CROSS JOIN run_events ON run_id = removals.id
    LIMIT ?1
)",
    "\
-- deferred.sweep
DELETE FROM deferred
WHERE (run_id, ordinal, sample) IN (
    SELECT run_id, ordinal, sample
    FROM removals
    CROSS JOIN deferred ON run_id = removals.id
    LIMIT ?1
)",
    "\
-- dataset_items.sweep
DELETE FROM dataset_items
WHERE (dataset_id, ordinal) IN (
    SELECT dataset_id, ordinal
    FROM removals
    CROSS JOIN dataset_items ON dataset_id = removals.id
    LIMIT ?1
)",
];

#[async_trait]
impl Retention for SqliteStore {
    async fn ended_runs(
        &self,
        tenant: Option<&Tenant>,
        before: Timestamp,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), RunId::uuid);
        let tenant = tenant.map(ToString::to_string);
        self.read(move |db| all(db, &ENDED, params![time(before), blob(after), limit, tenant], record)).await
    }

    async fn unused_datasets(
        &self,
        tenant: Option<&Tenant>,
        before: Timestamp,
        after: Option<DatasetId>,
        limit: u32,
    ) -> Result<Vec<Dataset>, StoreError> {
        let after = after.map_or(Uuid::nil(), DatasetId::uuid);
        let tenant = tenant.map(ToString::to_string);
        self.read(move |db| all(db, &UNUSED, params![time(before), blob(after), limit, tenant], record)).await
    }

    async fn hide_file(&self, id: DatasetId) -> Result<(), StoreError> {
        self.write(move |tx| {
            if !files::hide(tx, id)? {
                return Err(StoreError::not_found("file", id));
            }
            remove_if_unneeded(tx, id)
        })
        .await
    }

    async fn remove_run(&self, id: RunId) -> Result<(), StoreError> {
        self.write(move |tx| {
            runs::load(tx, id)?.row.require_ended()?;
            runs::delete(tx, id)?;
            answers::forget_run(tx, id)?;
            if let Some(file) = batches::delete(tx, id)? {
                remove_if_unneeded(tx, file)?;
            }
            add(tx, id.uuid())
        })
        .await
    }

    async fn remove_dataset(&self, id: DatasetId) -> Result<(), StoreError> {
        self.write(move |tx| remove_dataset(tx, id)).await
    }

    async fn sweep(&self, limit: u32) -> Result<bool, StoreError> {
        let ids: Vec<Uuid> = self.read(|db| all(db, ALL, [], |row| row.cell("id"))).await?;
        if ids.is_empty() {
            return Ok(false);
        }
        self.write(move |tx| sweep(tx, limit)).await?;
        Ok(true)
    }

    async fn forget_usage(&self, day: &str) -> Result<u64, StoreError> {
        let day = day.to_owned();
        self.write(move |tx| usage_days::forget(tx, &day)).await
    }

    async fn drop_partitions(&self, _now: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn make_partitions(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

fn remove_if_unneeded(db: &Connection, file: DatasetId) -> Result<(), StoreError> {
    if files::is_unneeded(db, file)? { remove_dataset(db, file) } else { Ok(()) }
}

fn remove_dataset(db: &Connection, id: DatasetId) -> Result<(), StoreError> {
    files::delete(db, id)?;
    batches::delete_of_dataset(db, id)?;
    datasets::delete(db, id)?;
    add(db, id.uuid())
}

/// Lets the rows be deleted that belong to a run or a dataset.
fn add(db: &Connection, id: Uuid) -> Result<(), StoreError> {
    execute(db, ADD, [blob(id)])?;
    Ok(())
}

fn sweep(db: &Transaction<'_>, limit: u32) -> Result<(), StoreError> {
    let mut is_done = true;
    for statement in DELETE {
        is_done &= execute(db, statement, [limit])? < u64::from(limit);
    }
    if is_done {
        for id in all(db, ALL, [], |row| row.cell("id"))? {
            budgets::forget_run(db, RunId::from_uuid(id))?;
        }
        execute(db, CLEAR, [])?;
    }
    Ok(())
}
