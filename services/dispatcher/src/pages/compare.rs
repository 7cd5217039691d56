use axum::extract::State;
use runmill_pages::{ComparePage, Pair};
use runmill_proto::{RunId, api::ComparisonQuery};

use super::{Pages, Shown, viewer};
use crate::{
    api::{ApiError, extract::Query, scores},
    caller::Caller,
    view,
};

/// Largest number of runs that are compared.
const RUNS_MAX: usize = 8;

pub async fn page(
    State(pages): State<Pages>,
    caller: Caller,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Shown, ApiError> {
    let named = query.iter().filter(|(name, _)| name == "run").map(|(_, id)| id.parse());
    let ids = named.collect::<Result<Vec<RunId>, _>>();
    let mut ids = ids.map_err(|error| ApiError::bad_request(format!("run: {error}")))?;
    // Ids are in the order of the submissions.
    ids.sort();
    ids.dedup();
    if ids.len() > RUNS_MAX {
        return Err(ApiError::bad_request(format!("at most {RUNS_MAX} runs are compared")));
    }
    let mut runs = Vec::with_capacity(ids.len());
    for id in &ids {
        runs.push(view::run(caller.run(&*pages.api.store, *id).await?));
    }
    let mut pairs = Vec::new();
    for id in ids.iter().skip(1) {
        pairs.push(pages.pair(&caller, ids[0], *id).await?);
    }
    let viewer = viewer(&caller);
    let choices = pages.newest(&caller).await?;
    let page = ComparePage { viewer: &viewer, choices: &choices, runs: &runs, pairs: &pairs };
    let page = page.page();
    Ok(Shown(page, viewer))
}

impl Pages {
    async fn pair(&self, caller: &Caller, a: RunId, b: RunId) -> Result<Pair, ApiError> {
        match scores::comparison(State(self.api.clone()), caller.clone(), Query(ComparisonQuery { a, b }))
            .await
        {
            Ok(comparison) => Ok(Pair { run: b, comparison: Ok(comparison.0) }),
            Err(error) if error.status().is_client_error() => {
                Ok(Pair { run: b, comparison: Err(error.into_parts().1) })
            }
            Err(error) => Err(error),
        }
    }
}
