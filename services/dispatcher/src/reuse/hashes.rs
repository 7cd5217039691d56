use std::sync::Arc;

use runmill_store::{DispatcherStore, JobPlace, RequestHash, RunRow, StoreError, StoredItem};
use tokio::task::spawn_blocking;

use super::requests::Requests;

/// Number of items that are read at once, which may be large.
const ITEMS: u32 = 64;

/// Returns the hashes of the requests for jobs of a run, whose places are in their order. A job of which no request can be
/// made is left out.
pub async fn of(
    store: &dyn DispatcherStore,
    run: &RunRow,
    places: &[JobPlace],
) -> Result<Vec<(JobPlace, RequestHash)>, StoreError> {
    // Its jobs will say what is wrong with the template.
    let Ok(requests) = Requests::of(run) else { return Ok(Vec::new()) };
    let requests = Arc::new(requests);
    let mut hashes = Vec::with_capacity(places.len());
    let mut rest = places;
    while let Some((first, _)) = rest.first().copied() {
        let items = store.items(run.submission.dataset_id, first, ITEMS).await?;
        let read = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let (here, later) = rest.split_at(rest.partition_point(|(ordinal, _)| ordinal - first < read));
        if here.is_empty() {
            break;
        }
        let (requests, here) = (requests.clone(), here.to_vec());
        let made = spawn_blocking(move || hash_all(&requests, first, &items, here)).await;
        hashes.extend(made.map_err(|error| StoreError::Broken(format!("no hash could be made: {error}")))?);
        rest = later;
    }
    Ok(hashes)
}

fn hash_all(
    requests: &Requests,
    first: u32,
    items: &[StoredItem],
    places: Vec<JobPlace>,
) -> Vec<(JobPlace, RequestHash)> {
    let hash = |(ordinal, sample): JobPlace| {
        let item = items.get((ordinal - first) as usize)?;
        Some(((ordinal, sample), requests.hash(&item.body, sample)?))
    };
    places.into_iter().filter_map(hash).collect()
}
