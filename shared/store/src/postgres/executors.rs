//! Table `executors`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::api::ExecutorStatus;
use tokio_postgres::{Row, types::Json};

use super::{
    PgStore,
    values::{Cell as _, text},
};
use crate::{Beat, Exchange, Exchanged, ExecutorReader, FleetReader, FleetState, Peer, StoreError, Talk};

// The reading part sees the table as it was before the writing part, which changes only the own row.
const EXCHANGE: &str = "\
WITH /* executors.exchange */ own AS (
    INSERT INTO executors (name, seen_at, report, talk, beats)
    VALUES ($1, clock_timestamp(), $2, $3, 1)
    ON CONFLICT (name) DO UPDATE
    SET seen_at = excluded.seen_at,
        report = excluded.report,
        talk = excluded.talk,
        beats = executors.beats + 1
    RETURNING seen_at
)
SELECT own.seen_at, newest.term, peer.name, peer.seen_at AS peer_seen_at, peer.beats, peer.talk
FROM own
CROSS JOIN (SELECT coalesce(max(term), 0)::bigint AS term FROM lead) AS newest
LEFT JOIN executors AS peer
    ON peer.name <> $1";

const FORGET: &str = "\
DELETE /* executors.forget */ FROM executors
WHERE seen_at < $1";

const LEAVE: &str = "\
DELETE /* executors.leave */ FROM executors
WHERE name = $1";

const SEEN_SINCE: &str = "\
SELECT /* executors.seen_since */ seen_at, report
FROM executors
WHERE seen_at >= $1
ORDER BY name COLLATE \"C\"";

#[async_trait]
impl Exchange for PgStore {
    async fn exchange(&self, beat: &Beat) -> Result<Exchanged, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(EXCHANGE).await?;
        let name = text(&beat.status.name);
        let rows = client.query(&statement, &[&name, &Json(&beat.status), &Json(&beat.talk)]).await?;
        let own = rows.first().ok_or_else(|| StoreError::Broken("a heartbeat returned no row".into()))?;
        let peers = rows.iter().filter_map(|row| peer(row).transpose()).collect::<Result<_, _>>()?;
        Ok(Exchanged {
            now: own.cell("seen_at")?,
            term: own.cell("term")?,
            peers,
            accepted: true,
            fleet: FleetState::default(),
        })
    }

    async fn leave(&self, name: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(LEAVE).await?;
        client.execute(&statement, &[&text(name)]).await?;
        Ok(())
    }

    async fn forget_executors(&self, before: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(FORGET).await?;
        client.execute(&statement, &[&before]).await?;
        Ok(())
    }
}

/// Returns the other executor of a row, or `None` if there is no other.
fn peer(row: &Row) -> Result<Option<Peer>, StoreError> {
    let Some(name) = row.cell::<Option<String>>("name")? else { return Ok(None) };
    let (seen_at, talk) = (row.cell("peer_seen_at")?, row.cell::<Option<Talk>>("talk")?);
    Ok(Some(Peer { name, seen_at, beats: row.cell("beats")?, talk }))
}

#[async_trait]
impl ExecutorReader for PgStore {
    async fn executors(&self, since: Timestamp) -> Result<Vec<ExecutorStatus>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SEEN_SINCE).await?;
        let rows = client.query(&statement, &[&since]).await?;
        rows.iter()
            .map(|row| Ok(ExecutorStatus { seen_at: row.cell("seen_at")?, ..row.cell("report")? }))
            .collect()
    }
}

#[async_trait]
impl FleetReader for PgStore {
    async fn fleet(&self) -> Result<(Timestamp, FleetState), StoreError> {
        Ok((Timestamp::UNIX_EPOCH, FleetState::default()))
    }
}
