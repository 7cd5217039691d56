//! Results of a run, by what is asked of them.

mod details;
mod pages;
mod search;

use std::{str::FromStr, sync::Arc};

use runmill_proto::{
    UnknownName,
    api::{ResultRecord, ResultsQuery, ScoreClass},
    message::JobKey,
};
use runmill_store::{DispatcherStore, ResultFilter, RunRow, StoreError};

use crate::rescoring::Version;
use details::Details;
pub use search::Found;
use search::{Part, Row};

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

    /// Returns the same results with details.
    pub fn detailed(self) -> Self {
        let details = self.details.unwrap_or_else(|| Arc::new(Details::new(&self.run)));
        Self { details: Some(details), ..self }
    }

    /// Returns results after `after`: `limit`, if there are so many within what one search reads.
    pub async fn page(&self, after: Option<JobKey>, limit: u32) -> Result<Found<ResultRecord>, StoreError> {
        self.find(after, limit).await
    }

    /// Puts the scores of the version that is asked for into results.
    async fn score(&self, mut results: Vec<&mut ResultRecord>) -> Result<(), StoreError> {
        // They are made in the order of the dataset.
        results.sort_by_key(|row| (row.ordinal, row.sample));
        self.version.put_into(&self.store, &self.run, results).await
    }

    /// Returns true if the score that was made anew has the class that is asked for.
    fn has_class(&self, row: &ResultRecord) -> bool {
        self.anew
            .is_none_or(|class| row.score.as_ref().is_some_and(|score| ScoreClass::of(score.value) == class))
    }

    fn key(&self, row: &ResultRecord) -> JobKey {
        JobKey { run_id: self.run.id, ordinal: row.ordinal, sample: row.sample }
    }
}

impl Row for ResultRecord {
    async fn read(
        of: &Results,
        filter: ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Option<Part<Self>>, StoreError> {
        let mut rows = of.store.results(of.run.id, &filter, after, limit).await?;
        let Some(last) = rows.last().map(|row| of.key(row)) else { return Ok(None) };
        let read = (rows.len(), 0);
        of.score(rows.iter_mut().collect()).await?;
        rows.retain(|row| of.has_class(row));
        Ok(Some(Part { rows, last, read }))
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
