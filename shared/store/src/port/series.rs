use async_trait::async_trait;
use runmill_proto::RunId;

use crate::{SeriesPoint, StoreError};

/// Reads what the calls of runs did over time.
#[async_trait]
pub trait SeriesReader: Send + Sync {
    /// Returns the intervals of a run in their order, without the newest, which is in
    /// [`RunStats::series`](crate::RunStats::series). Intervals without a log are left out. There are some 1,800 for the first day of
    /// a run and 288 for each further one; from 20,000 on, the last are left out.
    async fn series(&self, id: RunId) -> Result<Vec<SeriesPoint>, StoreError>;
}

/// Largest number of intervals that are read: 63 days.
pub(crate) const POINTS_MAX: u32 = 20_000;
