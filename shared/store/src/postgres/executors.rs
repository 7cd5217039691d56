//! Table `executors`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::api::ExecutorStatus;
use tokio_postgres::types::Json;

use super::{
    PgStore,
    values::{Cell as _, text},
};
use crate::{ExecutorReader, Heartbeats, StoreError};

const REPORT: &str = "\
-- executors.report
INSERT INTO executors (name, seen_at, report)
VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE
SET seen_at = excluded.seen_at,
    report = excluded.report";

const FORGET_OLD: &str = "\
-- executors.forget_old
DELETE FROM executors
WHERE seen_at < $1::timestamptz - interval '1 day'";

const REMOVE: &str = "\
-- executors.remove
DELETE FROM executors
WHERE name = $1";

const SEEN_SINCE: &str = "\
-- executors.seen_since
SELECT report
FROM executors
WHERE seen_at >= $1
ORDER BY name COLLATE \"C\"";

#[async_trait]
impl Heartbeats for PgStore {
    async fn report_executor(&self, executor: &ExecutorStatus) -> Result<(), StoreError> {
        let client = self.client().await?;
        let report = client.prepare_cached(REPORT).await?;
        client.execute(&report, &[&text(&executor.name), &executor.seen_at, &Json(executor)]).await?;
        let forget = client.prepare_cached(FORGET_OLD).await?;
        client.execute(&forget, &[&executor.seen_at]).await?;
        Ok(())
    }

    async fn remove_executor(&self, name: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(REMOVE).await?;
        client.execute(&statement, &[&text(name)]).await?;
        Ok(())
    }
}

#[async_trait]
impl ExecutorReader for PgStore {
    async fn executors(&self, since: Timestamp) -> Result<Vec<ExecutorStatus>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SEEN_SINCE).await?;
        client.query(&statement, &[&since]).await?.iter().map(|row| row.cell("report")).collect()
    }
}
