use std::{collections::HashMap, sync::Arc};

use runmill_proto::{Scoring, api::ResultRecord};
use runmill_store::{DispatcherStore, RunRow, StoreError, StoredAnswer};

use super::score;

/// Name of the version that is stored with the results.
const EXECUTORS: &str = "executors";

/// A version of a run's scores.
#[derive(Clone, Debug, PartialEq)]
pub enum Version {
    /// The scores that the executors gave, which are stored with the results.
    Executors,
    /// Scores that are made anew by this scorer whenever they are read.
    Anew(Option<Scoring>),
}

impl Version {
    /// Returns the version of this name, or that by which the run is shown. An error says, in words, that there is none.
    pub fn of(run: &RunRow, name: Option<&str>) -> Result<Self, String> {
        let found = match name {
            Some(EXECUTORS) => return Ok(Self::Executors),
            None => run.shown(),
            Some(name) => {
                let numbered = |number| run.rescores.as_ref()?.version(number);
                let found = name.parse().ok().and_then(numbered);
                let unknown = || format!("score_version: the run has no version `{name}` of its scores");
                Some(found.ok_or_else(unknown)?)
            }
        };
        Ok(found.map_or(Self::Executors, |found| Self::Anew(found.scoring.clone())))
    }

    /// Puts the scores of this version into results, which are in the order of their ordinals.
    pub async fn put_into(
        &self,
        store: &Arc<dyn DispatcherStore>,
        run: &RunRow,
        results: Vec<&mut ResultRecord>,
    ) -> Result<(), StoreError> {
        let Self::Anew(scoring) = self else { return Ok(()) };
        let answers = results.iter().filter(|result| result.outcome.is_answer()).filter_map(|result| {
            let (ordinal, sample) = (result.ordinal, result.sample);
            Some(StoredAnswer { ordinal, sample, response: result.response.clone()? })
        });
        let scored = score(&**store, run, scoring.clone(), answers.collect()).await?;
        let mut by_job: HashMap<_, _> =
            scored.into_iter().map(|scored| ((scored.ordinal, scored.sample), scored.score)).collect();
        for result in results {
            result.score = by_job.remove(&(result.ordinal, result.sample)).flatten();
        }
        Ok(())
    }
}
