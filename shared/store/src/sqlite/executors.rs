//! Table `executors`. Processes that share the file work on different runs, so their executors are no peers. But they share
//! the limits of the providers.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::api::ExecutorStatus;
use rusqlite::{Transaction, params};

use super::{
    SqliteStore,
    claims::Claims,
    fleet,
    values::{Cell as _, all, execute, time},
};
use crate::{Beat, Exchange, Exchanged, ExecutorReader, Holder, Peer, StoreError, columns::Stored as _};

const WRITE: &str = "\
-- executors.write
INSERT INTO executors (name, seen_at, report, talk, beats, presence)
VALUES (?1, ?2, ?3, ?4, 1, ?5)
ON CONFLICT (name) DO UPDATE
SET seen_at = excluded.seen_at,
    report = excluded.report,
    talk = excluded.talk,
    beats = beats + 1,
    presence = excluded.presence";

const PEERS: &str = "\
-- executors.peers
SELECT name, seen_at, beats, talk
FROM executors
WHERE name <> ?1";

const FORGET: &str = "\
-- executors.forget
DELETE FROM executors
WHERE seen_at < ?1
  AND coalesce(open_until, seen_at) < ?1";

const LEAVE: &str = "\
-- executors.leave
DELETE FROM executors
WHERE name = ?1";

const REMOVE_DEAD: &str = "\
-- executors.remove_dead
DELETE FROM executors
WHERE name = ?1
  AND valid_until = ?2";

const SEEN_SINCE: &str = "\
-- executors.seen_since
SELECT report
FROM executors
WHERE seen_at >= ?1
ORDER BY name";

#[async_trait]
impl Exchange for SqliteStore {
    async fn exchange(&self, beat: &Beat) -> Result<Exchanged, StoreError> {
        let Beat { status, talk, claim } = beat.clone();
        let (now, term) = (status.seen_at, self.lease.term());
        let claims = self.claims.clone();
        self.write(move |tx| {
            let name = &status.name;
            let written =
                params![name, time(now), status.to_value(), talk.to_value(), claim.presence.to_value()];
            execute(tx, WRITE, written)?;
            let accepted = fleet::accept(tx, name, now, &claim)?;
            let mut fleet = fleet::read(tx, now)?;
            fleet.holders.retain(|holder| holder.name != *name);
            let Some(claims) = claims else {
                return Ok(Exchanged { now, term, peers: peers(tx, name)?, accepted, fleet });
            };
            mark_alive(&claims, name)?;
            fleet.holders = alive(&claims, fleet.holders)?;
            Ok(Exchanged { now, term, peers: Vec::new(), accepted, fleet })
        })
        .await
    }

    async fn is_connected(&self, _name: &str) -> Result<bool, StoreError> {
        // Dead processes have no leases for the others, so each that is asked about lives.
        Ok(self.claims.is_some())
    }

    async fn remove_dead(&self, name: &str, valid_until: Timestamp) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |tx| {
            execute(tx, REMOVE_DEAD, params![name, time(valid_until)])?;
            Ok(())
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

/// Returns all other executors.
fn peers(tx: &Transaction<'_>, name: &str) -> Result<Vec<Peer>, StoreError> {
    all(tx, PEERS, [name], |row| {
        let (name, seen_at) = (row.cell("name")?, row.cell("seen_at")?);
        Ok(Peer { name, seen_at, beats: row.cell("beats")?, talk: row.cell("talk")? })
    })
}

/// Claims the executor's name, so that other processes know whether it is alive.
fn mark_alive(claims: &Claims, name: &str) -> Result<(), StoreError> {
    if !claims.has(name) {
        claims.claim(name)?;
    }
    Ok(())
}

/// Returns the holders whose process has not ended. The calls of one that has ended are closed.
fn alive(claims: &Claims, holders: Vec<Holder>) -> Result<Vec<Holder>, StoreError> {
    let mut alive = Vec::new();
    for holder in holders {
        if claims.has(&holder.name) || claims.is_taken(&holder.name)? {
            alive.push(holder);
        }
    }
    Ok(alive)
}
