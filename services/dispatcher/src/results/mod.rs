//! Results of a run, by what is asked of them.

mod details;
mod pages;

use std::{str::FromStr, sync::Arc};

use runmill_proto::{
    UnknownName,
    api::{ResultRecord, ResultsQuery, ScoreClass},
    message::JobKey,
};
use runmill_store::{DispatcherStore, ResultFilter, RunRow, StoreError};

use crate::rescoring::Version;
use details::Details;

/// Number of results that are read at once, where what is read is not what is returned.
const CHUNK: u32 = 500;

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

    /// Returns at most `limit` results after `after`: fewer only at the end. With a class of scores that are made anew, it
    /// reads as many results as that takes.
    pub async fn page(&self, after: Option<JobKey>, limit: u32) -> Result<Vec<ResultRecord>, StoreError> {
        let Some(class) = self.anew else { return self.read(after, limit).await };
        let (mut found, mut at) = (Vec::new(), after);
        loop {
            let rows = self.read(at, CHUNK).await?;
            let Some(last) = rows.last() else { return Ok(found) };
            at = Some(JobKey { run_id: self.run.id, ordinal: last.ordinal, sample: last.sample });
            let has_class =
                |row: &ResultRecord| row.score.as_ref().is_some_and(|it| ScoreClass::of(it.value) == class);
            found.extend(rows.into_iter().filter(has_class));
            if found.len() >= limit as usize {
                found.truncate(limit as usize);
                return Ok(found);
            }
        }
    }

    async fn read(&self, after: Option<JobKey>, limit: u32) -> Result<Vec<ResultRecord>, StoreError> {
        let mut rows = self.store.results(self.run.id, &self.filter, after, limit).await?;
        self.version.put_into(&self.store, &self.run, rows.iter_mut().collect()).await?;
        Ok(rows)
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
