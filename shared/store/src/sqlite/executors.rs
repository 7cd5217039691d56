//! Table `executors`. Processes that share the file work on different runs, so their executors are no peers.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::api::ExecutorStatus;
use rusqlite::params;

use super::{
    SqliteStore,
    values::{Cell as _, all, execute, time},
};
use crate::{
    Beat, Exchange, Exchanged, ExecutorReader, FleetReader, FleetState, Peer, StoreError,
    columns::Stored as _,
};

const WRITE: &str = "\
-- executors.write
INSERT INTO executors (name, seen_at, report, talk, beats)
VALUES (?1, ?2, ?3, ?4, 1)
ON CONFLICT (name) DO UPDATE
SET seen_at = excluded.seen_at,
    report = excluded.report,
    talk = excluded.talk,
    beats = beats + 1";

const PEERS: &str = "\
-- executors.peers
SELECT name, seen_at, beats, talk
FROM executors
WHERE name <> ?1";

const FORGET: &str = "\
-- executors.forget
DELETE FROM executors
WHERE seen_at < ?1";

const LEAVE: &str = "\
-- executors.leave
DELETE FROM executors
WHERE name = ?1";

const SEEN_SINCE: &str = "\
-- executors.seen_since
SELECT report
FROM executors
WHERE seen_at >= ?1
ORDER BY name";

#[async_trait]
impl Exchange for SqliteStore {
    async fn exchange(&self, beat: &Beat) -> Result<Exchanged, StoreError> {
        let Beat { status, talk, claim: _ } = beat.clone();
        let (now, term) = (status.seen_at, self.lease.term());
        let has_peers = self.claims.is_none();
        self.write(move |tx| {
            execute(tx, WRITE, params![status.name, time(now), status.to_value(), talk.to_value()])?;
            if !has_peers {
                return Ok(Exchanged {
                    now,
                    term,
                    peers: Vec::new(),
                    accepted: true,
                    fleet: FleetState::default(),
                });
            }
            let peers = all(tx, PEERS, [&status.name], |row| {
                let (name, seen_at) = (row.cell("name")?, row.cell("seen_at")?);
                Ok(Peer { name, seen_at, beats: row.cell("beats")?, talk: row.cell("talk")? })
            })?;
            Ok(Exchanged { now, term, peers, accepted: true, fleet: FleetState::default() })
        })
        .await
    }

    async fn leave(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |tx| {
            execute(tx, LEAVE, [&name])?;
            Ok(())
        })
        .await
    }

    async fn forget_executors(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            execute(tx, FORGET, [time(before)])?;
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

#[async_trait]
impl FleetReader for SqliteStore {
    async fn fleet(&self) -> Result<(Timestamp, FleetState), StoreError> {
        Ok((Timestamp::UNIX_EPOCH, FleetState::default()))
    }
}
