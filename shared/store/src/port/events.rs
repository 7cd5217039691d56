use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{RunId, api::RunEvent};

use crate::{RunRow, StoreError};

/// Events of a run with consecutive `seq`s, the first being `first_seq`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    pub first_seq: u64,
    pub events: Vec<RunEvent>,
}

impl EventPage {
    /// Each event with its `seq`.
    pub fn numbered(self) -> impl Iterator<Item = (u64, RunEvent)> {
        (self.first_seq..).zip(self.events)
    }
}

/// A run and how far its events go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunVersion {
    pub run_id: RunId,
    pub seq: u64,
}

/// What happened to the runs, in order. For one run, `seq` counts 1, 2, 3 … in the order of commits, so reading
/// what is above the last seen can neither skip nor repeat.
#[async_trait]
pub trait Events: Send + Sync {
    /// Events of the run above `after`, in order, at least one if there is one and at most about `limit`
    /// (whole pages of what was written together).
    async fn events(&self, id: RunId, after: u64, limit: u32) -> Result<Vec<EventPage>, StoreError>;

    /// The `run_status` events alone, with their `seq`s, in order, at most `limit`.
    async fn status_events(
        &self,
        id: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, RunEvent)>, StoreError>;

    /// Runs that have not ended, or that ended at or after `since`.
    async fn run_versions(&self, since: Timestamp) -> Result<Vec<RunVersion>, StoreError>;

    /// The run's row; for progress of many runs.
    async fn run_rows(&self, ids: &[RunId]) -> Result<Vec<RunRow>, StoreError>;
}
