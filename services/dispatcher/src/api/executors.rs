use axum::{Json, extract::State};
use runmill_proto::api::ExecutorStatus;

use super::{ApiState, problem::ApiError};
use crate::{caller::Caller, executors};

/// List live executors
///
/// Each executor is listed with its share of every provider's concurrency, and with its calls in flight: of the providers and
/// runs of the token's tenant.
#[utoipa::path(get, path = "/executors", responses((status = 200, body = Vec<ExecutorStatus>)))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
) -> Result<Json<Vec<ExecutorStatus>>, ApiError> {
    let alive = executors::alive(&*state.store, &state.clock).await?;
    Ok(Json(executors::visible(&*state.store, &caller, alive).await?))
}
