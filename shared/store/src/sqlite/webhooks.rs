//! Table `webhooks`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;
use rusqlite::{Connection, params, params_from_iter};

use super::{
    SqliteStore,
    values::{all, blob, execute, first, record, time},
};
use crate::{
    StoreError, WebhookRow, Webhooks,
    columns::{
        Dialect, Stored as _, inserted, push_updated,
        sql::{self, Sql},
    },
};

static INSERT: Sql =
    Sql::new(|| sql::insert::<WebhookRow>(Dialect::Sqlite, "webhooks.insert", "webhooks", ""));

static GET: Sql = Sql::new(|| sql::select::<WebhookRow>("webhooks.get", "webhooks", "WHERE run_id = ?1"));

// Without a limit: the webhooks of runs of other processes are left out afterwards.
static DUE: Sql = Sql::new(|| {
    let rest = "\
WHERE delivered_at IS NULL
  AND abandoned_at IS NULL
  AND due_at <= ?1 /* now */
  AND (
      SELECT runs.finished_at
      FROM runs
      WHERE runs.id = webhooks.run_id
  ) IS NOT NULL
ORDER BY due_at";
    sql::select::<WebhookRow>("webhooks.due", "webhooks", rest)
});

static RECORD: Sql = Sql::new(|| {
    let rest = "\
WHERE run_id = ?1
  AND ends = ?2
  AND delivered_at IS NULL";
    sql::update::<WebhookRow>(Dialect::Sqlite, "webhooks.record", "webhooks", 3, rest)
});

const BEGIN_ANEW: &str = "\
-- webhooks.begin_anew
UPDATE webhooks
SET ends = ends + 1,
    attempts = 0,
    first_at = NULL,
    due_at = ?2,
    delivered_at = NULL,
    abandoned_at = NULL,
    last_error = NULL
WHERE run_id = ?1";

pub fn insert(db: &Connection, row: &WebhookRow) -> Result<(), StoreError> {
    execute(db, &INSERT, params_from_iter(inserted::<WebhookRow>(row)))?;
    Ok(())
}

/// Lets the next end of a run that goes on be told, too.
pub fn begin_anew(db: &Connection, run_id: RunId, now: Timestamp) -> Result<(), StoreError> {
    execute(db, BEGIN_ANEW, params![blob(run_id.uuid()), time(now)])?;
    Ok(())
}

#[async_trait]
impl Webhooks for SqliteStore {
    async fn webhook(&self, run_id: RunId) -> Result<Option<WebhookRow>, StoreError> {
        self.read(move |db| first(db, &GET, [blob(run_id.uuid())], record)).await
    }

    async fn due_webhooks(&self, now: Timestamp, limit: u32) -> Result<Vec<WebhookRow>, StoreError> {
        let due = self.read(move |db| all(db, &DUE, [time(now)], record::<WebhookRow>)).await?;
        let ours = due.into_iter().filter(|row| self.works_on(row.run_id));
        Ok(ours.take(limit as usize).collect())
    }

    async fn record_webhook(&self, row: &WebhookRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            let mut values = vec![row.run_id.to_value(), row.ends.to_value()];
            push_updated::<WebhookRow>(&mut values, &row);
            execute(tx, &RECORD, params_from_iter(values))?;
            Ok(())
        })
        .await
    }
}
