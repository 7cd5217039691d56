use std::collections::BTreeMap;

use jiff::Timestamp;
use runmill_proto::lease::{LaneState, Scope};
use runmill_quota::lease::{Other, State};
use runmill_store::{FleetState, Holder};

/// The fleet without this executor, as the last heartbeat's answer showed it.
pub struct View(pub FleetState);

impl View {
    /// Returns the time of the store at which the fleet was read. Leases are judged by it, because their holders may have
    /// renewed them since.
    pub const fn at(&self) -> Timestamp {
        self.0.read_at
    }

    pub const fn version(&self) -> u64 {
        self.0.version
    }

    pub const fn lanes(&self) -> &BTreeMap<Scope, LaneState> {
        &self.0.lanes
    }

    pub fn holders(&self) -> &[Holder] {
        &self.0.holders
    }

    pub fn others(&self) -> Vec<Other<'_>> {
        self.0.holders.iter().map(|holder| self.other(holder)).collect()
    }

    fn other<'a>(&self, holder: &'a Holder) -> Other<'a> {
        let state = State::at(self.at(), holder.valid_until, holder.open_until);
        Other { name: &holder.name, leases: &holder.leases, state }
    }

    /// Returns the others whose leases have not ended.
    pub fn live(&self) -> impl Iterator<Item = &Holder> {
        self.0.holders.iter().filter(|holder| self.at() < holder.valid_until)
    }

    /// Returns the number of executors with a lease, this one included.
    pub fn executors(&self) -> u32 {
        u32::try_from(self.live().count()).unwrap_or(u32::MAX).saturating_add(1)
    }
}
