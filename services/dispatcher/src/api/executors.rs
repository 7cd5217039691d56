use axum::{Json, extract::State};
use jiff::SignedDuration;
use runmill_proto::api::Executor;

use super::{ApiState, problem::ApiError};

/// An executor reports every two seconds.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// Live executors, what they may use of each lane, and what they have in flight
#[utoipa::path(get, path = "/executors", responses((status = 200, body = Vec<Executor>)))]
pub async fn list(State(state): State<ApiState>) -> Result<Json<Vec<Executor>>, ApiError> {
    Ok(Json(state.store.executors(state.clock.now() - SEEN_WITHIN).await?))
}
