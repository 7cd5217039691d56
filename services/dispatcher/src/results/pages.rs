//! Results with their details, page by page: read, completed by what other rows have, and made on threads for blocking calls
//! while the next page is read.

use std::{future::ready, pin::pin};

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use runmill_proto::{api::DetailedResult, message::JobKey};
use runmill_store::{DetailedRow, ResultFilter, StoreError};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{Found, Part, Results, Row, details};
use crate::judging::{place, verdicts};

/// Bounds of the number of rows of a page. Items may have images, so the first page is small, and each has at most twice as
/// many rows as the one before.
const ROWS_MIN: u32 = 50;
const ROWS_MAX: u32 = 2_000;
/// Number of bytes of texts that a page shall have.
const PAGE_BYTES: usize = DetailedRow::PAGE_BYTES / 4;

/// Number of pages that are made at once.
const AT_ONCE: usize = 2;

impl Results {
    /// Returns all results with details. Each page has its texts in memory, and there are up to five at once.
    pub fn pages(self) -> impl Stream<Item = Result<Vec<DetailedResult>, StoreError>> + Send {
        let reading = self.clone();
        let start = Some((reading, None, ROWS_MIN));
        let pages = stream::try_unfold(start, async |at| {
            let Some((results, after, limit)) = at else { return Ok(None) };
            let found: Found<DetailedRow> = results.find(after, limit).await?;
            let limit = next_limit(limit, found.read);
            Ok(Some((found.rows, found.next.map(|next| (results, Some(next), limit)))))
        });
        ahead(pages).map_ok(move |rows| self.clone().made(rows)).try_buffered(AT_ONCE)
    }

    /// As [`Results::page`], with details.
    pub async fn detailed_page(
        &self,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Found<DetailedResult>, StoreError> {
        let found = self.find(after, limit).await?;
        Ok(Found { rows: self.clone().made(found.rows).await?, next: found.next, read: found.read })
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

impl Row for DetailedRow {
    async fn read(
        of: &Results,
        filter: ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Option<Part<Self>>, StoreError> {
        let items_of = of.details.as_ref().and_then(|details| details.items_of());
        let mut rows = of.store.detailed_results(of.run.id, items_of, &filter, after, limit).await?;
        let Some(last) = rows.last().map(|row| of.key(&row.result)) else { return Ok(None) };
        let read = (rows.len(), rows.iter().map(Self::bytes).sum());
        of.score(rows.iter_mut().map(|row| &mut row.result).collect()).await?;
        rows.retain(|row| of.has_class(&row.result));
        Ok(Some(Part { rows, last, read }))
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

/// Returns how many rows the next page may have after one of at most `limit`, of which so many were read with so many bytes.
fn next_limit(limit: u32, (read, bytes): (usize, usize)) -> u32 {
    let rows = PAGE_BYTES.saturating_mul(read) / bytes.max(1);
    let most = limit.saturating_mul(2).min(ROWS_MAX);
    u32::try_from(rows).unwrap_or(most).clamp(ROWS_MIN, most.max(ROWS_MIN))
}
