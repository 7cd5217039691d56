use axum::{Json, extract::State};
use runmill_proto::{
    RunId,
    api::{Comparison, ComparisonQuery, Problem, RunScores, ScoresQuery},
};

use super::{
    ApiState,
    extract::{Path, Query},
    problem::ApiError,
};
use crate::{
    caller::Caller,
    rescoring::Version,
    scores::{Asked, Side, compare, summarize, too_many},
};

/// Summarize the scores of a run
///
/// The scores of all items, and of groups of them by a field of their `meta`, with standard errors and confidence intervals.
/// They are of the results that are recorded now.
#[utoipa::path(get, path = "/runs/{id}/scores", params(("id" = RunId, Path), ScoresQuery),
    responses((status = 200, body = RunScores), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn of_run(
    State(state): State<ApiState>,
    caller: Caller,
    Path(run_id): Path<RunId>,
    Query(query): Query<ScoresQuery>,
) -> Result<Json<RunScores>, ApiError> {
    let row = caller.run(&*state.store, run_id).await?;
    let asked = Asked::of(query, &row).map_err(ApiError::bad_request)?;
    Ok(Json(summarize(&state.store, &row, asked).await?))
}

/// Compare two runs item by item
///
/// Each item that both runs have scored counts once, with the mean of its samples. So the difference has a much smaller error
/// than those of the two means.
#[utoipa::path(get, path = "/runs/compare", params(ComparisonQuery),
    responses((status = 200, body = Comparison), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn comparison(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<ComparisonQuery>,
) -> Result<Json<Comparison>, ApiError> {
    let (a, b) = (side(&state, &caller, query.a).await?, side(&state, &caller, query.b).await?);
    match too_many(&a, &b) {
        Some(detail) => Err(ApiError::bad_request(detail)),
        None => Ok(Json(compare(&state.store, &a, &b).await?)),
    }
}

async fn side(state: &ApiState, caller: &Caller, id: RunId) -> Result<Side, ApiError> {
    let run = caller.run(&*state.store, id).await?;
    let dataset = state.store.dataset(run.submission.dataset_id).await?;
    let version = Version::of(&run, None).map_err(ApiError::bad_request)?;
    Ok(Side { run, dataset, version })
}
