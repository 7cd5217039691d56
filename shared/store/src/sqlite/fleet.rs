//! Table `fleet`, with the shares in table `executors`.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use runmill_proto::lease::{LaneState, Scope};
use rusqlite::{Connection, Transaction, params};

use super::{
    SqliteStore,
    values::{Cell as _, all, execute, first, int, time},
};
use crate::{Claim, Decision, FleetReader, FleetState, Holder, StoreError, columns::Stored as _};

const READ: &str = "\
-- fleet.read
SELECT version, lanes
FROM fleet";

const DECIDE: &str = "\
-- fleet.decide
UPDATE fleet
SET version = version + 1,
    lanes = ?2
WHERE version = ?1";

const HOLDERS: &str = "\
-- fleet.holders
SELECT name, leases, valid_until, open_until, presence
FROM executors
WHERE leases IS NOT NULL
  AND open_until > ?1
ORDER BY name";

const LAST: &str = "\
-- fleet.last_claim
SELECT claim, valid_until
FROM executors
WHERE name = ?1";

const ACCEPT: &str = "\
-- fleet.accept
UPDATE executors
SET leases = ?2,
    claim = ?3,
    valid_until = ?4,
    open_until = ?5
WHERE name = ?1";

const NEWEST: &str = "\
-- fleet.newest
SELECT max(seen_at) AS seen_at
FROM executors";

#[async_trait]
impl FleetReader for SqliteStore {
    /// Returns the time at which the newest executor wrote, because this store has no clock.
    async fn fleet(&self) -> Result<(Timestamp, FleetState), StoreError> {
        self.read(|db| {
            let now = first(db, NEWEST, [], |row| row.cell("seen_at"))?.flatten();
            let fleet = read(db, now.unwrap_or(Timestamp::UNIX_EPOCH))?;
            Ok((fleet.read_at, fleet))
        })
        .await
    }
}

/// Accepts the claim of an executor that exists, or returns false.
pub fn accept(tx: &Transaction<'_>, name: &str, now: Timestamp, claim: &Claim) -> Result<bool, StoreError> {
    let is_decided = match &claim.decision {
        Some(decision) => decide(tx, decision)?,
        None => false,
    };
    let last = first(tx, LAST, [name], |row| Ok((row.cell("claim")?, row.cell("valid_until")?)))?;
    let (number, valid_until): (u64, Option<Timestamp>) = last.unwrap_or_default();
    let is_renewable = valid_until.is_some_and(|end| end > end_of(now, Claim::COMMIT_TIME));
    let is_accepted = is_decided || claim.decision.is_none() && (claim.holds_nothing() || is_renewable);
    if !is_accepted || claim.number <= number {
        return Ok(claim.number == number);
    }
    let valid_until = end_of(now, claim.valid_for);
    let open_until = end_of(valid_until, claim.open_for);
    let leases = claim.leases.to_value();
    execute(tx, ACCEPT, params![name, leases, int(claim.number), time(valid_until), time(open_until)])?;
    Ok(true)
}

/// Writes the decision if it is of the newest version, or returns false.
fn decide(tx: &Transaction<'_>, decision: &Decision) -> Result<bool, StoreError> {
    let (_, mut lanes) = version_and_lanes(tx)?;
    for (scope, state) in &decision.lanes {
        if *state == LaneState::default() {
            lanes.remove(scope);
        } else {
            lanes.insert(scope.clone(), state.clone());
        }
    }
    Ok(execute(tx, DECIDE, params![int(decision.version), lanes.to_value()])? > 0)
}

/// Reads the state of the fleet, with the executors that have shares at `now`.
pub fn read(db: &Connection, now: Timestamp) -> Result<FleetState, StoreError> {
    let (version, lanes) = version_and_lanes(db)?;
    let holders = all(db, HOLDERS, [time(now)], |row| {
        Ok(Holder {
            name: row.cell("name")?,
            leases: row.cell("leases")?,
            valid_until: row.cell("valid_until")?,
            open_until: row.cell("open_until")?,
            presence: row.cell("presence")?,
        })
    })?;
    Ok(FleetState { read_at: now, version, lanes, holders })
}

fn version_and_lanes(db: &Connection) -> Result<(u64, BTreeMap<Scope, LaneState>), StoreError> {
    let fleet = first(db, READ, [], |row| Ok((row.cell("version")?, row.cell("lanes")?)))?;
    fleet.ok_or_else(|| StoreError::Broken("the table `fleet` has no row".into()))
}

fn end_of(begin: Timestamp, length: Duration) -> Timestamp {
    let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    begin.saturating_add(length).unwrap_or(Timestamp::MAX)
}
