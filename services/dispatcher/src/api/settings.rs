use axum::{Json, extract::State};
use runmill_proto::api::{Problem, Settings};

use super::{
    ApiState,
    audit::{Change, Changed},
    extract::Body,
    problem::ApiError,
};
use crate::{caller::Caller, settings_change};

/// Get the workspace's settings
#[utoipa::path(get, path = "/settings", responses((status = 200, body = Settings)))]
pub async fn get(State(state): State<ApiState>) -> Result<Json<Settings>, ApiError> {
    let (settings, _version) = state.store.settings().await?;
    Ok(Json(settings))
}

/// Replace the workspace's settings
///
/// An absent setting gets its default. Every executor applies the change within two seconds. The settings are those of all
/// tenants, so only a token of all tenants may change them.
#[utoipa::path(put, path = "/settings", request_body = Settings,
    responses((status = 200, body = Settings), (status = 400, body = Problem)))]
pub async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Body(settings): Body<Settings>,
) -> Result<Changed<Json<Settings>>, ApiError> {
    caller.require_all_tenants("a change of the settings")?;
    settings_change::put(&*state.store, &state.announcer, &settings).await?;
    Ok(Changed(Change::new("settings.change", &caller.creates_in()), Json(settings)))
}
