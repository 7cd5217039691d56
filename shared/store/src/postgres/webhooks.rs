//! Table `webhooks`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;

use super::{
    PgStore,
    session::Transaction,
    values::{parameters, record},
};
use crate::{
    StoreError, WebhookRow, Webhooks,
    columns::{
        Dialect, Stored as _, inserted, push_updated,
        sql::{self, Sql},
    },
    time::micros,
};

static INSERT: Sql =
    Sql::new(|| sql::insert::<WebhookRow>(Dialect::Postgres, "webhooks.insert", "webhooks", ""));

static GET: Sql = Sql::new(|| sql::select::<WebhookRow>("webhooks.get", "webhooks", "WHERE run_id = $1"));

// A join could read all runs.
static DUE: Sql = Sql::new(|| {
    let rest = "\
WHERE delivered_at IS NULL
  AND abandoned_at IS NULL
  AND due_at <= $1 /* now */
  AND (
      SELECT runs.finished_at
      FROM runs
      WHERE runs.id = webhooks.run_id
  ) IS NOT NULL
ORDER BY due_at
LIMIT $2";
    sql::select::<WebhookRow>("webhooks.due", "webhooks", rest)
});

static RECORD: Sql = Sql::new(|| {
    let rest = "\
WHERE run_id = $1
  AND ends = $2
  AND delivered_at IS NULL";
    sql::update::<WebhookRow>(Dialect::Postgres, "webhooks.record", "webhooks", 3, rest)
});

const BEGIN_ANEW: &str = "\
UPDATE /* webhooks.begin_anew */ webhooks
SET ends = ends + 1,
    attempts = 0,
    first_at = NULL,
    due_at = $2,
    delivered_at = NULL,
    abandoned_at = NULL,
    last_error = NULL
WHERE run_id = $1";

pub async fn insert(tx: &Transaction<'_>, row: &WebhookRow) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(&INSERT).await?;
    tx.execute(&statement, &parameters(&inserted::<WebhookRow>(row))).await?;
    Ok(())
}

/// Lets the next end of a run that goes on be told, too.
pub async fn begin_anew(tx: &Transaction<'_>, run_id: RunId, now: Timestamp) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(BEGIN_ANEW).await?;
    tx.execute(&statement, &[&run_id.uuid(), &micros(now)]).await?;
    Ok(())
}

#[async_trait]
impl Webhooks for PgStore {
    async fn webhook(&self, run_id: RunId) -> Result<Option<WebhookRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&GET).await?;
        client.query_opt(&statement, &[&run_id.uuid()]).await?.as_ref().map(record).transpose()
    }

    async fn due_webhooks(&self, now: Timestamp, limit: u32) -> Result<Vec<WebhookRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&DUE).await?;
        let rows = client.query(&statement, &[&micros(now), &i64::from(limit)]).await?;
        rows.iter().map(record).collect()
    }

    async fn record_webhook(&self, row: &WebhookRow) -> Result<(), StoreError> {
        let mut values = vec![row.run_id.to_value(), row.ends.to_value()];
        push_updated::<WebhookRow>(&mut values, row);
        let client = self.client().await?;
        let statement = client.prepare_cached(&RECORD).await?;
        client.execute(&statement, &parameters(&values)).await?;
        Ok(())
    }
}
