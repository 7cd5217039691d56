use async_trait::async_trait;
use runmill_proto::{RunId, api::RunEvent};

use crate::StoreError;

/// Events of a run with consecutive `seq`s, the first being `first_seq`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    pub first_seq: u64,
    pub events: Vec<RunEvent>,
}

impl EventPage {
    /// Returns each event with its `seq`.
    pub fn numbered(self) -> impl Iterator<Item = (u64, RunEvent)> {
        (self.first_seq..).zip(self.events)
    }
}

/// Reads the events of runs, in order. For one run, `seq` counts 1, 2, 3 … in the order of commits, so a reader that
/// continues from its last `seq` can neither skip nor repeat an event.
#[async_trait]
pub trait EventReader: Send + Sync {
    /// Returns events of the run whose `seq` is above `after`, in order: at least one if there is one, and at most
    /// about `limit` (pages are returned whole).
    async fn events(&self, id: RunId, after: u64, limit: u32) -> Result<Vec<EventPage>, StoreError>;

    /// Returns the `run_status` events alone, with their `seq`s, in order, at most `limit`.
    async fn status_events(
        &self,
        id: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, RunEvent)>, StoreError>;
}
