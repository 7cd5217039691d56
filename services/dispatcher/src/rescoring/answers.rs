use std::{collections::HashMap, sync::Arc};

use runmill_prompt::varied;
use runmill_proto::{Item, JobConfig, Score, Scoring};
use runmill_scoring::RunScorer;
use runmill_store::{DispatcherStore, RunRow, StoreError, StoredAnswer, StoredItem};
use tokio::task::spawn_blocking;

/// An answer with its item and its score.
pub struct Scored {
    pub ordinal: u32,
    pub sample: u32,
    /// `None` if the dataset has no item that can be read.
    pub item: Option<Arc<Item>>,
    /// `None` if there is nothing to compare the answer with.
    pub score: Option<Score>,
}

/// Scores answers of a run, which are in the order of their ordinals, by another scorer.
pub async fn score(
    store: &dyn DispatcherStore,
    run: &RunRow,
    scoring: Option<Scoring>,
    answers: Vec<StoredAnswer>,
) -> Result<Vec<Scored>, StoreError> {
    let items = items(store, run, &answers).await?;
    let config = run.submission.config.stored_job();
    let scorer = RunScorer::new(scoring.as_ref());
    let done = spawn_blocking(move || score_all(&config, &scorer, items, answers)).await;
    done.map_err(|error| StoreError::Broken(format!("the answers could not be scored: {error}")))
}

/// Returns the items of the answers by their ordinals.
async fn items(
    store: &dyn DispatcherStore,
    run: &RunRow,
    answers: &[StoredAnswer],
) -> Result<HashMap<u32, StoredItem>, StoreError> {
    let mut ordinals: Vec<_> = answers.iter().map(|answer| answer.ordinal).collect();
    ordinals.dedup();
    store.items_at(run.submission.dataset_id, &ordinals).await
}

fn score_all(
    config: &JobConfig,
    scorer: &RunScorer,
    mut stored: HashMap<u32, StoredItem>,
    answers: Vec<StoredAnswer>,
) -> Vec<Scored> {
    let mut items: HashMap<u32, Arc<Item>> = HashMap::new();
    let mut all = Vec::with_capacity(answers.len());
    for StoredAnswer { ordinal, sample, response } in answers {
        if let Some(stored) = stored.remove(&ordinal)
            && let Ok(item) = Item::from_json(&stored.body)
        {
            items.insert(ordinal, Arc::new(item));
        }
        let item = items.get(&ordinal).map(|item| match config.strategy(sample) {
            Some(strategy) => Arc::new(varied((**item).clone(), strategy, sample)),
            None => item.clone(),
        });
        let score = item.as_ref().and_then(|item| scorer.score(item, &response));
        all.push(Scored { ordinal, sample, item, score });
    }
    all
}
