//! Results of a run, by what is asked of them.

mod details;

use std::{str::FromStr, sync::Arc};

use runmill_proto::{
    UnknownName,
    api::{DetailedResult, ResultRecord, ResultsQuery, ScoreClass},
    message::JobKey,
};
use runmill_store::{DispatcherStore, ResultFilter, RunRow, StoreError};

use crate::rescoring::Version;
use details::Details;

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
}

/// The results of a run that a query asks for, in the order of the dataset.
#[derive(Clone)]
pub struct Results {
    store: Arc<dyn DispatcherStore>,
    run: Arc<RunRow>,
    version: Version,
    filter: ResultFilter,
    /// Class of the scores that are made anew, which the store does not have.
    anew: Option<ScoreClass>,
    details: Option<Arc<Details>>,
}

impl Results {
    /// An error says, in words, what is wrong with the query.
    pub fn new(store: Arc<dyn DispatcherStore>, run: RunRow, query: &ResultsQuery) -> Result<Self, String> {
        let version = Version::of(&run, query.score_version.as_deref())?;
        let class = query.score.as_deref().map(|text| parsed("score", text)).transpose()?;
        let (stored, anew) = if version == Version::Executors { (class, None) } else { (None, class) };
        let filter = ResultFilter {
            outcomes: listed("outcome", query.outcome.as_deref())?,
            error_kinds: listed("error_kind", query.error_kind.as_deref())?,
            item_id: query.item_id.clone(),
            score: stored,
            text: query.text.as_deref().map(searched).transpose()?,
            before: None,
            order: query.sort.as_deref().map(|text| parsed("sort", text)).transpose()?,
        };
        let details = is_true("details", query.details.as_deref())?.then(|| Arc::new(Details::new(&run)));
        Ok(Self { store, run: Arc::new(run), version, filter, anew, details })
    }

    pub const fn are_detailed(&self) -> bool {
        self.details.is_some()
    }

    /// Returns results after `after`: `limit`, if there are so many within what one search reads.
    pub async fn page(&self, after: Option<JobKey>, limit: u32) -> Result<Found<ResultRecord>, StoreError> {
        if self.is_searched() {
            return self.search(after, limit).await;
        }
        let rows = self.read(&self.filter, after, limit).await?;
        let is_last = rows.len() < limit as usize || self.filter.order.is_some();
        let next = rows.last().filter(|_| !is_last).map(|last| self.key(last));
        Ok(Found { rows, next })
    }

    /// Returns true if the store cannot find the next result without reading those before it.
    const fn is_searched(&self) -> bool {
        (self.filter.text.is_some() || self.anew.is_some()) && self.filter.order.is_none()
    }

    /// Reads the results of a bounded number of items, in parts.
    async fn search(&self, after: Option<JobKey>, limit: u32) -> Result<Found<ResultRecord>, StoreError> {
        let items = u32::try_from(self.run.total / u64::from(self.run.submission.config.samples()).max(1));
        let items = items.unwrap_or(u32::MAX);
        let (mut rows, mut at) = (Vec::new(), after);
        let first = after.map_or(0, |key| key.ordinal);
        let parts = if self.anew.is_some() { PARTS_MAX_ANEW } else { PARTS_MAX };
        for part in 1..=parts {
            let before = first.saturating_add(part * PART);
            let filter = ResultFilter { before: Some(before), ..self.filter.clone() };
            loop {
                let read = self.read(&filter, at, limit).await?;
                let is_whole = read.len() < limit as usize;
                at = read.last().map(|last| self.key(last)).or(at);
                rows.extend(read.into_iter().filter(|row| self.has_class(row)));
                if rows.len() >= limit as usize {
                    rows.truncate(limit as usize);
                    let next = rows.last().map(|last| self.key(last));
                    return Ok(Found { rows, next });
                }
                if is_whole {
                    break;
                }
            }
            if before >= items {
                return Ok(Found { rows, next: None });
            }
            at = Some(JobKey { run_id: self.run.id, ordinal: before - 1, sample: u32::MAX >> 1 });
        }
        Ok(Found { rows, next: at })
    }

    /// Returns true if the score that was made anew has the class that is asked for.
    fn has_class(&self, row: &ResultRecord) -> bool {
        self.anew
            .is_none_or(|class| row.score.as_ref().is_some_and(|score| ScoreClass::of(score.value) == class))
    }

    fn key(&self, row: &ResultRecord) -> JobKey {
        JobKey { run_id: self.run.id, ordinal: row.ordinal, sample: row.sample }
    }

    /// As [`Results::page`], with details.
    pub async fn detailed_page(
        &self,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Found<DetailedResult>, StoreError> {
        let Found { rows, next } = self.page(after, limit).await?;
        let rows = match &self.details {
            Some(details) => details.of(&*self.store, &self.run, rows).await?,
            None => rows.into_iter().map(details::without).collect(),
        };
        Ok(Found { rows, next })
    }

    async fn read(
        &self,
        filter: &ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError> {
        let mut rows = self.store.results(self.run.id, filter, after, limit).await?;
        if filter.order.is_none() {
            self.version.put_into(&self.store, &self.run, &mut rows).await?;
            return Ok(rows);
        }
        // Scores are made in the order of the dataset.
        let mut placed: Vec<_> = rows.into_iter().enumerate().collect();
        placed.sort_by_key(|(_, row)| (row.ordinal, row.sample));
        let (places, mut rows): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
        self.version.put_into(&self.store, &self.run, &mut rows).await?;
        let mut placed: Vec<_> = places.into_iter().zip(rows).collect();
        placed.sort_by_key(|(place, _)| *place);
        Ok(placed.into_iter().map(|(_, row)| row).collect())
    }
}

fn searched(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=1000 => Ok(text.to_owned()),
        count => Err(format!("text: it has {count} characters; it must have 1 to 1000")),
    }
}

fn parsed<T: FromStr<Err = UnknownName>>(name: &str, text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|error| format!("{name}: {error}"))
}

fn listed<T: FromStr<Err = UnknownName>>(name: &str, text: Option<&str>) -> Result<Vec<T>, String> {
    text.map_or_else(|| Ok(Vec::new()), |text| text.split(',').map(|one| parsed(name, one)).collect())
}

fn is_true(name: &str, text: Option<&str>) -> Result<bool, String> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(format!("{name}: `{other}` is not one of true, false")),
    }
}
