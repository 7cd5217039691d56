use std::collections::BTreeMap;

use super::{Need, ScopeUse, meter::Meter};

/// Use of one model, and its attempts that wait.
#[derive(Debug)]
pub(super) struct Model<W> {
    /// True if the model has limits of its own.
    pub limited: bool,
    pub meter: Meter,
    /// Attempts that wait, by their tickets.
    pub queue: BTreeMap<u64, (Need, W)>,
}

impl<W> Model<W> {
    pub const fn unlimited() -> Self {
        Self { limited: false, meter: Meter::unlimited(), queue: BTreeMap::new() }
    }

    /// Returns the ticket of the first attempt that waits.
    pub fn head(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(ticket, _)| *ticket)
    }

    pub fn is_in_use(&self) -> bool {
        self.meter.in_flight() > 0 || !self.queue.is_empty()
    }

    /// Returns false if the model can be forgotten.
    pub fn is_needed(&self) -> bool {
        self.limited || self.is_in_use()
    }

    /// Returns the use so far.
    pub fn peek(&self) -> ScopeUse {
        self.meter.peek(u32::try_from(self.queue.len()).unwrap_or(u32::MAX))
    }

    /// Returns the use, and starts to collect it anew.
    pub fn read(&mut self) -> ScopeUse {
        self.meter.read(u32::try_from(self.queue.len()).unwrap_or(u32::MAX))
    }
}
