//! Answers of earlier runs that a run takes over, if it says so ([`Reuse::Exact`](runmill_proto::Reuse)).
//!
//! Before such a run is fed, the leader indexes the earlier answers of its tenant, provider and model by the
//! [hashes](requests) of their requests. The feeder then looks for each job's hash, and puts the answer that it finds into
//! the job. Nothing is indexed for runs that call for all of their answers.

mod hashes;
mod indexing;
mod requests;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runmill_proto::{RunId, message::ReusedAnswer};
use runmill_store::{ActiveRun, DispatcherStore, JobPlace, RequestHash, RunRow, StoreError};
use tokio::sync::Notify;

/// Finds answers of earlier runs.
#[derive(Clone)]
pub struct EarlierAnswers {
    store: Arc<dyn DispatcherStore>,
    /// Active runs that take over answers.
    runs: Arc<Mutex<HashMap<RunId, State>>>,
    /// Tells that a run waits for its index.
    waits: Arc<Notify>,
    /// Wakes the feeder.
    wake: Arc<Notify>,
}

enum State {
    /// Earlier answers are not all in the index.
    Waiting(Box<RunRow>),
    Ready,
}

impl EarlierAnswers {
    pub fn new(store: Arc<dyn DispatcherStore>, wake: Arc<Notify>) -> Self {
        Self { store, runs: Arc::default(), waits: Arc::default(), wake }
    }

    /// Returns true if the run may be fed: it takes over no answers, or all earlier ones are in the index. Otherwise they are
    /// indexed, for which this does not wait.
    pub fn are_ready(&self, run: &RunRow) -> bool {
        if !run.reuses_answers() {
            return true;
        }
        let mut runs = self.lock();
        let state = runs.entry(run.id).or_insert_with(|| {
            self.waits.notify_one();
            State::Waiting(Box::new(run.clone()))
        });
        matches!(state, State::Ready)
    }

    /// Forgets the runs that are no longer active. One that goes on later looks for further answers.
    pub fn retain(&self, active: &[ActiveRun]) {
        let mut runs = self.lock();
        if !runs.is_empty() {
            let active: HashSet<_> = active.iter().map(|active| active.run.id).collect();
            runs.retain(|id, _| active.contains(id));
        }
    }

    /// Returns the answers that earlier runs have for one sample of `count` items from `first` on.
    pub async fn find(
        &self,
        run: &RunRow,
        sample: u32,
        first: u32,
        count: u32,
    ) -> Result<HashMap<JobPlace, ReusedAnswer>, StoreError> {
        if !run.reuses_answers() {
            return Ok(HashMap::new());
        }
        let places: Vec<_> = (first..first.saturating_add(count)).map(|ordinal| (ordinal, sample)).collect();
        let hashes = hashes::of(&*self.store, run, &places).await?;
        let asked: HashSet<RequestHash> = hashes.iter().map(|(_, hash)| *hash).collect();
        let found = self.store.find_answers(run, &asked.into_iter().collect::<Vec<_>>()).await?;
        let answer = |(place, hash): (JobPlace, RequestHash)| Some((place, found.get(&hash)?.clone()));
        Ok(hashes.into_iter().filter_map(answer).collect())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, State>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
