use axum::{Json, extract::State};
use runmill_proto::api::ExecutorStatus;

use super::{ApiState, problem::ApiError};
use crate::executors;

/// Live executors, what they may use of each lane, and what they have in flight
#[utoipa::path(get, path = "/executors", responses((status = 200, body = Vec<ExecutorStatus>)))]
pub async fn list(State(state): State<ApiState>) -> Result<Json<Vec<ExecutorStatus>>, ApiError> {
    Ok(Json(executors::alive(&*state.store, &state.clock).await?))
}
