//! Table `run_events`.

use async_trait::async_trait;
use runmill_proto::{RunId, api::RunEvent};
use rusqlite::{Connection, Row, params};

use super::{
    SqliteStore,
    values::{Cell as _, all, blob, execute, int},
};
use crate::{
    EventPage, EventReader, StoreError,
    ledger::{NewPage, read_page},
};

const INSERT: &str = "\
-- run_events.insert
INSERT INTO run_events (run_id, last_seq, first_seq, is_status, events)
VALUES (?1, ?2, ?3, ?4, ?5)";

// `seq`s are dense, so a limit on them is a limit on the events. The limit is subtracted from the stored `seq` and
// not added to `after`, because a client may send the largest possible `after`.
const PAGE: &str = "\
-- run_events.page
SELECT first_seq, events
FROM run_events
WHERE run_id = ?1
  AND last_seq > ?2 /* after */
  AND first_seq - ?3 /* limit */ <= ?2
ORDER BY last_seq";

const STATUS: &str = "\
-- run_events.status
SELECT first_seq, events
FROM run_events
WHERE run_id = ?1
  AND last_seq > ?2 /* after */
  AND is_status
ORDER BY last_seq
LIMIT ?3";

#[async_trait]
impl EventReader for SqliteStore {
    async fn events(&self, id: RunId, after: u64, limit: u32) -> Result<Vec<EventPage>, StoreError> {
        self.read(move |db| pages(db, PAGE, id, after, limit)).await
    }

    async fn status_events(
        &self,
        id: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, RunEvent)>, StoreError> {
        let pages = self.read(move |db| pages(db, STATUS, id, after, limit)).await?;
        Ok(pages.into_iter().flat_map(EventPage::numbered).take(limit as usize).collect())
    }
}

pub fn append(db: &Connection, pages: Vec<NewPage>) -> Result<(), StoreError> {
    for page in pages {
        let params = params![
            blob(page.run_id.uuid()),
            int(page.last_seq),
            int(page.first_seq),
            page.is_status,
            page.events
        ];
        execute(db, INSERT, params)?;
    }
    Ok(())
}

fn pages(
    db: &Connection,
    sql: &str,
    id: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<EventPage>, StoreError> {
    let read = |row: &Row<'_>| read_page(row.cell("first_seq")?, &row.cell::<String>("events")?, after);
    all(db, sql, params![blob(id.uuid()), int(after), limit], read)
}
