use axum::{Json, extract::State};
use runmill_proto::api::ExecutorStatus;

use super::{ApiState, problem::ApiError};
use crate::executors;

/// List live executors
///
/// Each executor is listed with its share of every provider's concurrency, and with its calls in flight.
#[utoipa::path(get, path = "/executors", responses((status = 200, body = Vec<ExecutorStatus>)))]
pub async fn list(State(state): State<ApiState>) -> Result<Json<Vec<ExecutorStatus>>, ApiError> {
    Ok(Json(executors::alive(&*state.store, &state.clock).await?))
}
