use runmill_estimate::{Assumptions, Estimator, Names, ProviderFacts, Subject};
use runmill_proto::{DatasetId, Item, api::NewRun};
use runmill_store::StoredItem;

use super::Pages;
use crate::{api::ApiError, caller::Caller};

/// Number of items that one query reads.
const CHUNK: u32 = 1_000;
/// Largest number of items that are estimated while somebody waits for the page.
const ITEMS_MAX: u64 = 100_000;
/// Names of the fields that set what an estimate lacks.
const NAMES: Names = Names { max_tokens: "Max tokens", prices: "RUNMILL_PRICES" };
/// Assumptions about calls that nobody has made yet.
const ASSUMPTIONS: Assumptions = Assumptions { seconds_per_call: 3.0, answer_tokens: 0 };

impl Pages {
    /// Returns the estimate of a run as names with values, or every fault of the run.
    pub(super) async fn estimated(
        &self,
        caller: &Caller,
        new: NewRun,
    ) -> Result<Vec<(&'static str, String)>, ApiError> {
        let row = self.api.submission.checked(caller, new).await?;
        let (submission, store) = (row.submission, &self.api.store);
        let dataset = store.dataset(submission.dataset_id).await?;
        if dataset.item_count > ITEMS_MAX {
            let detail = format!("more than {ITEMS_MAX} items are estimated by `runmill run --estimate`");
            return Err(ApiError::bad_request(detail));
        }
        let provider = caller.provider(&**store, submission.provider_id).await?;
        let facts = ProviderFacts {
            kind: provider.kind,
            base_url: provider.base_url,
            limit: provider.rate_limit,
            takes_images: provider.capabilities.images == Some(true),
        };
        let estimator = Estimator::new(&Subject {
            model: &submission.model,
            config: &submission.config,
            job: &submission.config.stored_job(),
            provider: &facts,
            prices: &self.prices,
            lane_concurrency: self.lane_concurrency,
            assumptions: ASSUMPTIONS,
        });
        let estimator = estimator.map_err(|error| ApiError::bad_request(error.to_string()))?;
        let estimator = self.with_items(estimator, submission.dataset_id).await?;
        Ok(estimator.finish().rows(&NAMES))
    }

    /// Adds all items of a dataset. Threads that may take their time render the prompts.
    async fn with_items(&self, mut estimator: Estimator, id: DatasetId) -> Result<Estimator, ApiError> {
        let mut from = 0;
        loop {
            let items = self.api.store.items(id, from, CHUNK).await?;
            let is_end = items.len() < CHUNK as usize;
            let added = tokio::task::spawn_blocking(move || add(estimator, &items)).await;
            estimator = added.map_err(|_| ApiError::internal())?.map_err(ApiError::bad_request)?;
            if is_end {
                return Ok(estimator);
            }
            from += CHUNK;
        }
    }
}

fn add(mut estimator: Estimator, items: &[StoredItem]) -> Result<Estimator, String> {
    for stored in items {
        let item = Item::from_json(&stored.body).map_err(|fault| fault.to_string())?;
        estimator.add(&item)?;
    }
    Ok(estimator)
}
