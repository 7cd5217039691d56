//! Searches for results that the store cannot find without reading those before them.

use runmill_proto::message::JobKey;
use runmill_store::{ResultFilter, StoreError};

use super::Results;

/// Number of items whose results one query searches.
const PART: u32 = 20_000;
/// Number of queries that one page takes at most.
const PARTS_MAX: u32 = 10;
/// Number of queries for scores that are made anew, which takes longer.
const PARTS_MAX_ANEW: u32 = 1;

/// Results that were found.
pub struct Found<R> {
    pub rows: Vec<R>,
    /// Place up to which all was read, if there may be more.
    pub next: Option<JobKey>,
    /// Number of results that were read last, and the bytes of their texts.
    pub(super) read: (usize, usize),
}

/// Results that one query has read.
pub struct Part<R> {
    /// Those that were asked for.
    pub rows: Vec<R>,
    /// Place of the last one that was read.
    pub last: JobKey,
    /// Number of results that were read, and the bytes of their texts.
    pub read: (usize, usize),
}

/// A result, with more or less of what belongs to it.
pub trait Row: Sized + Send {
    /// Reads at most `limit` results after `after`. Returns `None` if there are none.
    fn read(
        of: &Results,
        filter: ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> impl Future<Output = Result<Option<Part<Self>>, StoreError>> + Send;
}

impl Results {
    /// Returns results after `after`: `limit`, if there are so many within what one search reads.
    pub(super) async fn find<R: Row>(
        &self,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Found<R>, StoreError> {
        let (mut rows, mut at, mut read) = (Vec::new(), after, (0, 0));
        for filter in self.parts(after) {
            let before = filter.before;
            loop {
                let missing = limit - u32::try_from(rows.len()).unwrap_or(limit).min(limit);
                if missing == 0 {
                    return Ok(Found { rows, next: at, read });
                }
                let Some(part) = R::read(self, filter.clone(), at, missing).await? else { break };
                (at, read) = (Some(part.last), part.read);
                rows.extend(part.rows);
                // In another order, there is only one page.
                if self.filter.order.is_some() {
                    return Ok(Found { rows, next: None, read });
                }
            }
            let Some(before) = before.filter(|before| u64::from(*before) < self.items()) else {
                return Ok(Found { rows, next: None, read });
            };
            at = Some(JobKey { run_id: self.run.id, ordinal: before - 1, sample: u32::MAX >> 1 });
        }
        Ok(Found { rows, next: at, read })
    }

    /// Returns the filters of the queries that one page takes at most.
    fn parts(&self, after: Option<JobKey>) -> impl Iterator<Item = ResultFilter> {
        let is_searched = (self.filter.text.is_some() || self.anew.is_some()) && self.filter.order.is_none();
        let count = match (is_searched, self.anew.is_some()) {
            (false, _) => 1,
            (true, false) => PARTS_MAX,
            (true, true) => PARTS_MAX_ANEW,
        };
        let first = after.map_or(0, |key| key.ordinal);
        (1..=count).map(move |part| {
            let before = is_searched.then(|| first.saturating_add(part * PART));
            ResultFilter { before, ..self.filter.clone() }
        })
    }

    /// Returns the number of the run's items.
    fn items(&self) -> u64 {
        self.run.total.div_ceil(u64::from(self.run.submission.config.samples()).max(1))
    }
}
