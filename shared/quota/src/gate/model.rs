use std::collections::BTreeMap;

use super::{Class, Need, ScopeUse, class::ByClass, meter::Meter};

/// Use of one model, and its attempts that wait.
#[derive(Debug)]
pub(super) struct Model<W> {
    /// True if the model has limits of its own.
    pub limited: bool,
    pub meter: Meter,
    queues: ByClass<Queue<W>>,
}

/// Attempts that wait, by their tickets.
type Queue<W> = BTreeMap<u64, (Need, W)>;

impl<W> Model<W> {
    pub const fn unlimited() -> Self {
        let queues = ByClass { run: BTreeMap::new(), interactive: BTreeMap::new() };
        Self { limited: false, meter: Meter::unlimited(), queues }
    }

    /// Returns the ticket and the need of the first attempt of a class that waits.
    pub fn head(&self, class: Class) -> Option<(u64, &Need)> {
        self.queues.get(class).first_key_value().map(|(ticket, (need, _))| (*ticket, need))
    }

    pub fn enqueue(&mut self, ticket: u64, need: Need, by: W) {
        self.queues.get_mut(need.class).insert(ticket, (need, by));
    }

    /// Takes an attempt out of its queue, if it is still there.
    pub fn leave(&mut self, class: Class, ticket: u64) -> Option<W> {
        self.queues.get_mut(class).remove(&ticket).map(|(_, by)| by)
    }

    /// Takes all attempts out of the queues.
    pub fn clear(&mut self) -> impl Iterator<Item = W> {
        let queues = std::mem::take(&mut self.queues);
        [queues.run, queues.interactive].into_iter().flat_map(BTreeMap::into_values).map(|(_, by)| by)
    }

    fn waiting(&self) -> u32 {
        let waiting: usize = Class::ALL.into_iter().map(|class| self.queues.get(class).len()).sum();
        u32::try_from(waiting).unwrap_or(u32::MAX)
    }

    pub fn is_in_use(&self) -> bool {
        self.meter.in_flight() > 0 || self.waiting() > 0
    }

    /// Returns false if the model can be forgotten.
    pub fn is_needed(&self) -> bool {
        self.limited || self.is_in_use()
    }

    /// Returns the use so far.
    pub fn peek(&self) -> ScopeUse {
        self.meter.peek(self.waiting())
    }

    /// Returns the use, and starts to collect it anew.
    pub fn read(&mut self) -> ScopeUse {
        self.meter.read(self.waiting())
    }
}
