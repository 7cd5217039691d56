//! Table `executors`.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use runmill_proto::api::ExecutorStatus;
use rusqlite::params;

use super::{
    SqliteStore,
    values::{Cell as _, all, execute, time},
};
use crate::{ExecutorReader, Heartbeats, StoreError, columns::Stored as _};

const REPORT: &str = "\
-- executors.report
INSERT INTO executors (name, seen_at, report)
VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE
SET seen_at = excluded.seen_at,
    report = excluded.report";

const FORGET_OLD: &str = "\
-- executors.forget_old
DELETE FROM executors
WHERE seen_at < ?1";

const REMOVE: &str = "\
-- executors.remove
DELETE FROM executors
WHERE name = ?1";

const SEEN_SINCE: &str = "\
-- executors.seen_since
SELECT report
FROM executors
WHERE seen_at >= ?1
ORDER BY name";

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[async_trait]
impl Heartbeats for SqliteStore {
    async fn report_executor(&self, executor: &ExecutorStatus) -> Result<(), StoreError> {
        let executor = executor.clone();
        self.write(move |tx| {
            execute(tx, REPORT, params![executor.name, time(executor.seen_at), executor.to_value()])?;
            execute(tx, FORGET_OLD, [time(executor.seen_at - DAY)])?;
            Ok(())
        })
        .await
    }

    async fn remove_executor(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |tx| {
            execute(tx, REMOVE, [&name])?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl ExecutorReader for SqliteStore {
    async fn executors(&self, since: Timestamp) -> Result<Vec<ExecutorStatus>, StoreError> {
        self.read(move |db| all(db, SEEN_SINCE, [time(since)], |row| row.cell("report"))).await
    }
}
