//! Number of executors that the work of one moment needs, without a clock or I/O.

use super::lane::{Carried, Lane, shares};

/// All work of one moment.
#[derive(Clone, Debug)]
pub struct Work {
    pub lanes: Vec<Lane>,
    /// Number of requests that wait for an executor or for its answer.
    pub requests: u32,
    pub carried: Carried,
}

impl Work {
    /// Returns the number of calls that could be in flight now, in all lanes.
    pub fn wanted_in_flight(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.wanted_in_flight(&self.carried)).sum()
    }

    /// Returns the number of executors that could have all of these calls in flight, at least one if there is any work that
    /// can go on.
    pub fn executors(&self) -> u32 {
        let together = shares(self.wanted_in_flight(), self.carried.executor_calls);
        let largest = self.lanes.iter().map(|lane| lane.executors(&self.carried)).max().unwrap_or(0);
        together.max(largest).max(u32::from(self.requests > 0))
    }
}
