use axum::extract::State;
use runmill_pages::{RunHead, RunPage, Viewer};
use runmill_proto::{
    RunId,
    api::{Dataset, Run},
    lease::Resource,
};
use runmill_store::{RunRow, StoreError};

use super::{Pages, Shown, viewer};
use crate::{
    api::{ApiError, extract::Path, providers, runs},
    caller::Caller,
    series,
};

/// A run with what the head of its pages shows.
pub struct Seen {
    pub row: RunRow,
    pub run: Run,
    pub dataset: Option<Dataset>,
    pub viewer: Viewer,
    provider: Option<String>,
}

impl Seen {
    pub fn head(&self) -> RunHead<'_> {
        RunHead {
            viewer: &self.viewer,
            run: &self.run,
            provider: self.provider.as_deref(),
            dataset: self.dataset.as_ref().map(|dataset| dataset.name.as_str()),
        }
    }
}

impl Pages {
    pub(super) async fn run(&self, caller: &Caller, id: RunId) -> Result<Seen, ApiError> {
        let row = caller.run(&*self.api.store, id).await?;
        let provider = self.provider_name(row.submission.provider_id).await?;
        let dataset = match self.api.store.dataset(row.submission.dataset_id).await {
            Ok(dataset) => Some(dataset),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let run = runs::get(State(self.api.clone()), caller.clone(), Path(id)).await?.0;
        Ok(Seen { row, run, dataset, viewer: viewer(caller), provider })
    }
}

pub async fn overview(
    State(pages): State<Pages>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Result<Shown, ApiError> {
    let seen = pages.run(&caller, id).await?;
    let now = pages.api.clock.now();
    let page = RunPage {
        head: seen.head(),
        series: &series::of_run(&*pages.api.store, &seen.row, pages.api.clock.now()).await?,
        per_second: pages.rates.observe(&seen.run, now),
        limit: limit(&pages, caller, &seen.run).await,
        now,
    };
    let page = page.page();
    Ok(Shown(page, seen.viewer))
}

/// Returns the largest number of calls in flight that the run may have: its own limit, or its provider's if that is lower and
/// the caller sees it.
async fn limit(pages: &Pages, caller: Caller, run: &Run) -> Option<f64> {
    let own = run.config.concurrency().map(f64::from);
    let limits = providers::limits(State(pages.api.clone()), caller, Path(run.provider_id)).await.ok();
    let of_provider = limits.and_then(|limits| limits.0.account.limit(Resource::Concurrency)?.limit());
    own.into_iter().chain(of_provider).reduce(f64::min)
}
