//! Table `scaling_needs`.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::params;

use super::{
    SqliteStore,
    values::{Cell as _, all, execute, time},
};
use crate::{Need, ScalingNeeds, StoreError};

const SINCE: &str = "\
-- scaling_needs.since
SELECT at, executors
FROM scaling_needs
WHERE at >= ?1
ORDER BY at";

const RECORD: &str = "\
-- scaling_needs.record
INSERT INTO scaling_needs (at, executors)
VALUES (?1, ?2)
ON CONFLICT (at) DO UPDATE
SET executors = excluded.executors
WHERE scaling_needs.executors < excluded.executors";

const DELETE: &str = "\
-- scaling_needs.delete
DELETE FROM scaling_needs
WHERE at < ?1";

#[async_trait]
impl ScalingNeeds for SqliteStore {
    async fn needs(&self, since: Timestamp) -> Result<Vec<Need>, StoreError> {
        self.read(move |db| {
            all(db, SINCE, [time(since)], |row| {
                Ok(Need { at: row.cell("at")?, executors: row.cell("executors")? })
            })
        })
        .await
    }

    async fn record_need(&self, need: Need, keep_from: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            execute(tx, RECORD, params![time(need.at), need.executors])?;
            execute(tx, DELETE, [time(keep_from)])?;
            Ok(())
        })
        .await
    }
}
