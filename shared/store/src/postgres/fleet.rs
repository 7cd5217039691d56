//! Table `fleet`, with the shares in table `executors`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::lease::{LaneState, Leases, Scope};
use tokio_postgres::Row;

use super::{
    PgStore,
    values::{Cell as _, bigint},
};
use crate::{Decision, FleetReader, FleetState, Holder, StoreError};

const READ: &str = "\
SELECT /* fleet.read */ statement_timestamp() AS read_at, fleet.version,
    CASE WHEN row_number() OVER () = 1 THEN fleet.lanes::json END AS lanes,
    holder.name, holder.valid_until, holder.open_until, holder.presence, holder.leases
FROM fleet
LEFT JOIN executors AS holder
    ON holder.open_until > statement_timestamp()";

#[async_trait]
impl FleetReader for PgStore {
    async fn fleet(&self) -> Result<(Timestamp, FleetState), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(READ).await?;
        let fleet = fleet_of(&client.query(&statement, &[]).await?)?;
        Ok((fleet.read_at, fleet))
    }
}

/// A decision, as it is written. One without a version changes nothing.
#[derive(Default)]
pub struct Written<'a> {
    pub version: Option<i64>,
    /// Lanes whose state is the default one again, so that it is not kept.
    pub removed: Vec<String>,
    pub lanes: BTreeMap<&'a Scope, &'a LaneState>,
}

impl<'a> Written<'a> {
    pub fn new(decision: Option<&'a Decision>) -> Self {
        let Some(Decision { version, lanes }) = decision else { return Self::default() };
        let (removed, lanes): (BTreeMap<_, _>, _) =
            lanes.iter().partition(|(_, state)| **state == LaneState::default());
        let removed = removed.into_keys().map(Scope::to_string).collect();
        Self { version: Some(bigint(*version)), removed, lanes }
    }
}

/// Reads the fleet from rows that each have a holder, or none. One of the rows has the lanes.
pub fn fleet_of(rows: &[Row]) -> Result<FleetState, StoreError> {
    let first = rows.first().ok_or_else(|| StoreError::Broken("the table `fleet` has no row".into()))?;
    let mut fleet = FleetState {
        read_at: first.cell("read_at")?,
        version: first.cell("version")?,
        ..FleetState::default()
    };
    for row in rows {
        if let Some(lanes) = row.cell("lanes")? {
            fleet.lanes = lanes;
        }
        fleet.holders.extend(holder(row)?);
    }
    Ok(fleet)
}

fn holder(row: &Row) -> Result<Option<Holder>, StoreError> {
    let leases: Leases = row.cell("leases")?;
    if leases.is_empty() {
        return Ok(None);
    }
    Ok(Some(Holder {
        name: row.cell("name")?,
        leases,
        valid_until: row.cell("valid_until")?,
        open_until: row.cell("open_until")?,
        presence: row.cell("presence")?,
    }))
}
