use std::collections::HashMap;

use axum::extract::State;
use runmill_pages::{ItemPage, SampleView};
use runmill_proto::{
    InvocationId, Item, RunId,
    api::{DetailedResult, InvocationRecord, ResultsQuery, Verdict},
};
use runmill_store::StoreError;

use super::{Pages, Shown, run::Seen};
use crate::{
    api::{ApiError, extract::Path, records::Place},
    caller::Caller,
    judging::judged_results,
    results::Results,
};

/// Largest number of samples of an item that its page shows.
const SAMPLES_MAX: u32 = 100;

pub async fn page(
    State(pages): State<Pages>,
    caller: Caller,
    Path((id, ordinal)): Path<(RunId, u32)>,
) -> Result<Shown, ApiError> {
    let seen = pages.run(&caller, id).await?;
    let samples = pages.samples(&seen, ordinal).await?;
    let item = pages.item(&seen, ordinal).await?;
    if item.is_none() && samples.is_empty() {
        return Err(StoreError::NotFound { what: "item", id: ordinal.to_string() }.into());
    }
    let items = seen.dataset.as_ref().map_or(u64::from(ordinal) + 1, |dataset| dataset.item_count);
    let page = ItemPage { head: seen.head(), ordinal, items, item: item.as_ref(), samples: &samples };
    let page = page.page();
    Ok(Shown(page, seen.viewer))
}

impl Pages {
    /// Returns the item, if the run shows texts.
    async fn item(&self, seen: &Seen, ordinal: u32) -> Result<Option<Item>, StoreError> {
        if !seen.row.submission.config.stored_job().texts.are_kept() {
            return Ok(None);
        }
        let stored = self.api.store.items_at(seen.row.submission.dataset_id, &[ordinal]).await?;
        // A line of a batch is no item.
        Ok(stored.into_iter().next().and_then(|(_, stored)| Item::from_json(&stored.body).ok()))
    }

    async fn samples(&self, seen: &Seen, ordinal: u32) -> Result<Vec<SampleView>, ApiError> {
        let store = &self.api.store;
        let asked = ResultsQuery { details: Some("true".to_owned()), ..ResultsQuery::default() };
        let results = Results::new(store.clone(), seen.row.clone(), &asked).map_err(ApiError::bad_request)?;
        let after = Place::before(ordinal).map(|place| place.key(seen.row.id));
        let most = seen.row.submission.config.samples().min(SAMPLES_MAX);
        let mut found = results.detailed_page(after, most).await?.rows;
        found.retain(|result| result.result.ordinal == ordinal);
        let mut verdicts: HashMap<_, _> = HashMap::new();
        if !seen.row.judges.is_empty() {
            let judged = judged_results(store, &seen.row, after, most).await?;
            let of_item = judged.into_iter().filter(|judged| judged.ordinal == ordinal);
            verdicts.extend(of_item.map(|judged| (judged.sample, judged.verdicts)));
        }
        let ids: Vec<_> = found.iter().map(|result| result.result.invocation_id).collect();
        let calls = store.invocations_of(seen.row.id, &ids).await?;
        let calls: HashMap<_, _> = calls.into_iter().map(|call| (call.id, call)).collect();
        Ok(found.into_iter().map(|result| sample(result, &calls, &mut verdicts)).collect())
    }
}

fn sample(
    result: DetailedResult,
    calls: &HashMap<InvocationId, InvocationRecord>,
    verdicts: &mut HashMap<u32, Vec<Verdict>>,
) -> SampleView {
    let call = calls.get(&result.result.invocation_id).cloned();
    let verdicts = verdicts.remove(&result.result.sample).unwrap_or_default();
    SampleView { result, calls: call.into_iter().collect(), verdicts }
}
