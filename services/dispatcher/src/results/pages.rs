//! Results with their details, page by page: read, completed by what other rows have, and made on threads for blocking calls
//! while the next page is read.

use std::{future::ready, pin::pin};

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use runmill_proto::{
    api::{DetailedResult, ScoreClass},
    message::JobKey,
};
use runmill_store::{DetailedRow, StoreError};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{Results, details};
use crate::judging::{place, verdicts};

/// Bounds of the number of rows of a page. Items may have images, so the first page is small, and each has at most twice as
/// many rows as the one before.
const ROWS_MIN: u32 = 50;
const ROWS_MAX: u32 = 2_000;
/// Number of bytes of texts that a page shall have.
const PAGE_BYTES: usize = DetailedRow::PAGE_BYTES / 4;

/// Number of pages that are made at once.
const AT_ONCE: usize = 2;

/// Rows of a page, and the place behind which the next page begins.
struct Page {
    rows: Vec<DetailedRow>,
    next: JobKey,
    /// Number of rows that were read, and the bytes of their texts.
    read: usize,
    bytes: usize,
}

impl Results {
    /// Returns all results with details. Each page has its texts in memory, and there are up to five at once.
    pub fn pages(self) -> impl Stream<Item = Result<Vec<DetailedResult>, StoreError>> + Send {
        let reading = self.clone();
        let start = (reading, None, ROWS_MIN);
        let pages = stream::try_unfold(start, async |(results, after, limit)| {
            let Some(page) = results.read_page(after, limit).await? else { return Ok(None) };
            let limit = page.next_limit(limit);
            Ok(Some((page.rows, (results, Some(page.next), limit))))
        });
        ahead(pages).map_ok(move |rows| self.clone().made(rows)).try_buffered(AT_ONCE)
    }

    /// Returns at most `limit` results after `after`, with details: fewer only at the end.
    pub async fn detailed_page(
        &self,
        mut after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<DetailedResult>, StoreError> {
        let mut found = Vec::new();
        while found.len() < limit as usize {
            let Some(mut page) = self.read_page(after, limit).await? else { break };
            page.rows.truncate(limit as usize - found.len());
            found.append(&mut self.clone().made(page.rows).await?);
            after = Some(page.next);
        }
        Ok(found)
    }

    /// Reads at most `limit` rows. `None` stands for the end.
    async fn read_page(&self, after: Option<JobKey>, limit: u32) -> Result<Option<Page>, StoreError> {
        let items_of = self.details.as_ref().and_then(|details| details.items_of());
        let mut rows = self.store.detailed_results(self.run.id, items_of, &self.filter, after, limit).await?;
        let Some(last) = rows.last().map(|row| &row.result) else { return Ok(None) };
        let next = JobKey { run_id: self.run.id, ordinal: last.ordinal, sample: last.sample };
        let (read, bytes) = (rows.len(), rows.iter().map(DetailedRow::bytes).sum());
        let results = rows.iter_mut().map(|row| &mut row.result).collect();
        self.version.put_into(&self.store, &self.run, results).await?;
        if let Some(class) = self.anew {
            rows.retain(|row| row.result.score.as_ref().is_some_and(|it| ScoreClass::of(it.value) == class));
        }
        Ok(Some(Page { rows, next, read, bytes }))
    }

    async fn made(self, rows: Vec<DetailedRow>) -> Result<Vec<DetailedResult>, StoreError> {
        let places = rows.iter().map(|row| place(&row.result)).collect();
        let mut verdicts = verdicts(&self.store, &self.run, &places).await?;
        let details = self.details.clone();
        let detailed = move |row: DetailedRow| match &details {
            Some(details) => details.of(row),
            None => details::without(row.result),
        };
        let making = spawn_blocking(move || rows.into_iter().map(detailed).collect::<Vec<_>>());
        let mut made = making.await.map_err(|error| StoreError::Broken(error.to_string()))?;
        for result in &mut made {
            result.verdicts = verdicts.remove(&place(&result.result)).unwrap_or_default();
        }
        Ok(made)
    }
}

/// Reads pages in a task of its own, one ahead, so that the store works while the consumer does. The task ends with the
/// stream, or when the returned one is dropped. If it ends otherwise, the last item is an error.
fn ahead<T: Send + 'static>(
    from: impl Stream<Item = Result<T, StoreError>> + Send + 'static,
) -> impl Stream<Item = Result<T, StoreError>> + Send {
    let (to, pages) = mpsc::channel(1);
    tokio::spawn(async move {
        // `None` stands for the end.
        let mut from = pin!(from.map(Some).chain(stream::once(ready(None))));
        while let Some(page) = from.next().await {
            if to.send(page).await.is_err() {
                return;
            }
        }
    });
    stream::unfold(Some(pages), async |pages| {
        let mut pages = pages?;
        match pages.recv().await {
            Some(page) => Some((page?, Some(pages))),
            None => Some((Err(StoreError::Broken("the reading of results was interrupted".into())), None)),
        }
    })
}

impl Page {
    fn next_limit(&self, limit: u32) -> u32 {
        let rows = PAGE_BYTES.saturating_mul(self.read) / self.bytes.max(1);
        let most = limit.saturating_mul(2).min(ROWS_MAX);
        u32::try_from(rows).unwrap_or(most).clamp(ROWS_MIN, most.max(ROWS_MIN))
    }
}
