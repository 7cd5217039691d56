use axum::{Json, extract::State};
use runmill_proto::{
    RunId,
    api::{Problem, RunSeries},
};

use super::{ApiState, extract::Path, problem::ApiError};
use crate::{caller::Caller, series};

/// Get the course of a run over time
///
/// Sums of consecutive spans of equal length, from the run's start to its end or to now: at most 73. Calls count in the span in
/// which their logs were written. What happened under releases before this route is not there.
#[utoipa::path(get, path = "/runs/{id}/series", params(("id" = RunId, Path)),
    responses((status = 200, body = RunSeries), (status = 404, body = Problem)))]
pub async fn series(
    State(state): State<ApiState>,
    caller: Caller,
    Path(run_id): Path<RunId>,
) -> Result<Json<RunSeries>, ApiError> {
    let run = caller.run(&*state.store, run_id).await?;
    Ok(Json(series::of_run(&*state.store, &run, state.clock.now()).await?))
}
