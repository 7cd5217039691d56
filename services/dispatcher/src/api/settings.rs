use axum::{Json, extract::State};
use runmill_proto::api::{Problem, Settings};

use super::{ApiState, extract::Body, problem::ApiError};
use crate::settings_change;

/// Get the workspace's settings
#[utoipa::path(get, path = "/settings", responses((status = 200, body = Settings)))]
pub async fn get(State(state): State<ApiState>) -> Result<Json<Settings>, ApiError> {
    let (settings, _version) = state.store.settings().await?;
    Ok(Json(settings))
}

/// Replace the workspace's settings
///
/// An absent setting gets its default. Every executor applies the change within two seconds.
#[utoipa::path(put, path = "/settings", request_body = Settings,
    responses((status = 200, body = Settings), (status = 400, body = Problem)))]
pub async fn put(
    State(state): State<ApiState>,
    Body(settings): Body<Settings>,
) -> Result<Json<Settings>, ApiError> {
    settings_change::put(&*state.store, &state.announcer, &settings).await?;
    Ok(Json(settings))
}
