//! Table `scaling_needs`.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    PgStore,
    values::{Cell as _, integer},
};
use crate::{Need, ScalingNeeds, StoreError, time::micros};

const SINCE: &str = "\
SELECT /* scaling_needs.since */ at, executors
FROM scaling_needs
WHERE at >= $1
ORDER BY at";

const RECORD: &str = "\
INSERT /* scaling_needs.record */ INTO scaling_needs AS known (at, executors)
VALUES ($1, $2)
ON CONFLICT (at) DO UPDATE
SET executors = excluded.executors
WHERE known.executors < excluded.executors";

const DELETE: &str = "\
DELETE /* scaling_needs.delete */ FROM scaling_needs
WHERE at < $1";

#[async_trait]
impl ScalingNeeds for PgStore {
    async fn needs(&self, since: Timestamp) -> Result<Vec<Need>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SINCE).await?;
        let rows = client.query(&statement, &[&micros(since)]).await?;
        rows.iter().map(|row| Ok(Need { at: row.cell("at")?, executors: row.cell("executors")? })).collect()
    }

    async fn record_need(&self, need: Need, keep_from: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(RECORD).await?;
        client.execute(&statement, &[&micros(need.at), &integer(need.executors)]).await?;
        let statement = client.prepare_cached(DELETE).await?;
        client.execute(&statement, &[&micros(keep_from)]).await?;
        Ok(())
    }
}
