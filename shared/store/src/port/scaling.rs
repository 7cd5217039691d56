use async_trait::async_trait;
use jiff::Timestamp;

use crate::StoreError;

/// Largest number of executors that the fleet could use during a short interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Start of the interval.
    pub at: Timestamp,
    pub executors: u32,
}

/// Keeps the needs of the last minutes, which all dispatchers share.
#[async_trait]
pub trait ScalingNeeds: Send + Sync {
    /// Returns the needs of the intervals that began at or after `since`, the oldest first.
    async fn needs(&self, since: Timestamp) -> Result<Vec<Need>, StoreError>;

    /// Records a need, unless a larger one of the same interval is there. Deletes the needs of intervals that began before
    /// `keep_from`.
    async fn record_need(&self, need: Need, keep_from: Timestamp) -> Result<(), StoreError>;
}
