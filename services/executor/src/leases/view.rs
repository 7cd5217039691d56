use std::collections::BTreeMap;

use jiff::Timestamp;
use runmill_proto::lease::{LaneState, Scope};
use runmill_quota::lease::{Other, State};
use runmill_store::{Decision, FleetState};

/// The fleet without this executor, as the last heartbeat's answer showed it.
pub struct View {
    pub fleet: FleetState,
    /// Time of the store at which it was read.
    pub at: Timestamp,
}

impl View {
    /// Returns the view after this executor's decision was accepted: nobody else decided in between.
    pub fn after(mut self, decision: &Decision) -> Self {
        self.fleet.version = decision.version + 1;
        self.fleet.lanes.extend(decision.lanes.clone());
        self
    }

    /// Returns the other executors. Leases are judged by the time at which they were read, because their holders may have
    /// renewed them since.
    pub fn others(&self) -> Vec<Other<'_>> {
        let other = |holder| {
            let runmill_store::Holder { name, leases, valid_until, open_until, .. } = holder;
            Other { name, leases, state: State::at(self.at, *valid_until, *open_until) }
        };
        self.fleet.holders.iter().map(other).collect()
    }

    /// Returns the number of executors with a lease that has not ended, this one included.
    pub fn executors(&self) -> u32 {
        let live = self.fleet.holders.iter().filter(|holder| self.at < holder.valid_until);
        u32::try_from(live.count()).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub fn lanes(&self) -> &BTreeMap<Scope, LaneState> {
        &self.fleet.lanes
    }
}
