//! Table `run_events`.

use async_trait::async_trait;
use runmill_proto::{RunId, api::RunEvent};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PgStore,
    session::Transaction,
    values::{Cell as _, bigint},
};
use crate::{
    EventPage, EventReader, StoreError,
    ledger::{NewPage, read_page},
};

const INSERT: &str = "\
INSERT /* run_events.insert */ INTO run_events (run_id, last_seq, first_seq, is_status, events)
SELECT *
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[], $5::text[])";

// `seq`s are dense, so a limit on them is a limit on the events. The limit is subtracted from the stored `seq` and
// not added to `after`, because a client may send the largest possible `after`.
const PAGE: &str = "\
SELECT /* run_events.page */ first_seq, events
FROM run_events
WHERE run_id = $1
  AND last_seq > $2 /* after */
  AND first_seq - $3 /* limit */ <= $2
ORDER BY last_seq";

const STATUS: &str = "\
SELECT /* run_events.status */ first_seq, events
FROM run_events
WHERE run_id = $1
  AND last_seq > $2 /* after */
  AND is_status
ORDER BY last_seq
LIMIT $3";

#[async_trait]
impl EventReader for PgStore {
    async fn events(&self, id: RunId, after: u64, limit: u32) -> Result<Vec<EventPage>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(PAGE).await?;
        let rows = client.query(&statement, &[&id.uuid(), &bigint(after), &i64::from(limit)]).await?;
        rows.iter().map(|row| page(row, after)).collect()
    }

    async fn status_events(
        &self,
        id: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, RunEvent)>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(STATUS).await?;
        let rows = client.query(&statement, &[&id.uuid(), &bigint(after), &i64::from(limit)]).await?;
        let pages: Result<Vec<_>, _> = rows.iter().map(|row| page(row, after)).collect();
        Ok(pages?.into_iter().flat_map(EventPage::numbered).take(limit as usize).collect())
    }
}

/// Appends pages under the locks of their runs.
pub async fn append(tx: &Transaction<'_>, pages: Vec<NewPage>) -> Result<(), StoreError> {
    if pages.is_empty() {
        return Ok(());
    }
    let run_id: Vec<Uuid> = pages.iter().map(|page| page.run_id.uuid()).collect();
    let last_seq: Vec<i64> = pages.iter().map(|page| bigint(page.last_seq)).collect();
    let first_seq: Vec<i64> = pages.iter().map(|page| bigint(page.first_seq)).collect();
    let is_status: Vec<bool> = pages.iter().map(|page| page.is_status).collect();
    // A NUL is escaped in JSON, so the text has none.
    let events: Vec<String> = pages.into_iter().map(|page| page.events).collect();
    let statement = tx.prepare_cached(INSERT).await?;
    tx.execute(&statement, &[&run_id, &last_seq, &first_seq, &is_status, &events]).await?;
    Ok(())
}

fn page(row: &Row, after: u64) -> Result<EventPage, StoreError> {
    read_page(row.cell("first_seq")?, row.try_get("events")?, after)
}
