use std::collections::HashMap;

use axum::extract::State;
use runmill_pages::{RunLine, RunsFilter, RunsPage};
use runmill_proto::{ProviderId, RunId, api::Run};
use runmill_store::{RunRow, StoreError};
use serde::Deserialize;

use super::{Pages, Shown, viewer};
use crate::{
    api::{ApiError, extract::Query},
    caller::Caller,
    view,
};

/// Number of runs of a page.
const PAGE: usize = 50;
/// Number of runs that one query reads.
const CHUNK: u32 = 200;
/// Largest number of runs among which a page looks for those of a filter.
const LOOKED_AT_MAX: usize = 2_000;

#[derive(Deserialize)]
pub struct RunsQuery {
    q: Option<String>,
    state: Option<String>,
    after: Option<String>,
}

pub async fn list(
    State(pages): State<Pages>,
    caller: Caller,
    Query(RunsQuery { q, state, after }): Query<RunsQuery>,
) -> Result<Shown, ApiError> {
    let after = after.filter(|after| !after.is_empty());
    let Ok(state) = state.as_deref().unwrap_or_default().parse();
    let filter = RunsFilter { text: q.unwrap_or_default(), state, after: after.clone().unwrap_or_default() };
    let after = after.map(|after| after.parse()).transpose();
    let after: Option<RunId> = after.map_err(|error| ApiError::bad_request(format!("after: {error}")))?;
    let (runs, older) = pages.find(&caller, &filter, after).await?;
    let viewer = viewer(&caller);
    let older = older.map(|older| older.to_string());
    let page = RunsPage { viewer: &viewer, runs: &runs, filter: &filter, older, now: pages.api.clock.now() };
    Ok(Shown(page.page(), viewer))
}

impl Pages {
    /// Returns the newest runs that `filter` lets through, and the cursor of the older ones.
    async fn find(
        &self,
        caller: &Caller,
        filter: &RunsFilter,
        mut after: Option<RunId>,
    ) -> Result<(Vec<RunLine>, Option<RunId>), StoreError> {
        let (mut found, mut looked_at) = (Vec::new(), 0);
        let mut providers = ProviderNames::default();
        while looked_at < LOOKED_AT_MAX {
            let rows = self.api.store.runs(caller.tenant.as_ref(), after, CHUNK).await?;
            let is_end = rows.len() < CHUNK as usize;
            looked_at += rows.len();
            for row in rows {
                if found.len() == PAGE {
                    return Ok((found, after));
                }
                after = Some(row.id);
                let line = self.line(row, &mut providers).await?;
                if filter.has(&line.run, line.provider.as_deref()) {
                    found.push(line);
                }
            }
            if is_end {
                return Ok((found, None));
            }
        }
        Ok((found, after))
    }

    /// Returns the newest runs, for a choice.
    pub(super) async fn newest(&self, caller: &Caller) -> Result<Vec<RunLine>, StoreError> {
        Ok(self.find(caller, &RunsFilter::default(), None).await?.0)
    }

    async fn line(&self, row: RunRow, providers: &mut ProviderNames) -> Result<RunLine, StoreError> {
        let provider = providers.of(self, row.submission.provider_id).await?;
        let run = Run { held_back: self.api.obstacles.of(row.id), ..view::run(row) };
        let per_second = self.rates.observe(&run, self.api.clock.now());
        Ok(RunLine { run, provider, per_second })
    }
}

/// Names of providers that were looked up.
#[derive(Default)]
struct ProviderNames(HashMap<ProviderId, Option<String>>);

impl ProviderNames {
    async fn of(&mut self, pages: &Pages, id: ProviderId) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let name = pages.provider_name(id).await?;
        self.0.insert(id, name.clone());
        Ok(name)
    }
}

impl Pages {
    /// Returns the name of the provider of a run. `None` if it was deleted.
    pub(super) async fn provider_name(&self, id: ProviderId) -> Result<Option<String>, StoreError> {
        match self.api.store.provider(id).await {
            Ok(row) => Ok(Some(row.name)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
