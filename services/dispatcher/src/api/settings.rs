use axum::{Json, extract::State};
use runmill_proto::{
    api::{Problem, ProblemError, Settings},
    message::Control,
};

use super::{
    ApiState,
    extract::Body,
    problem::{ApiError, fault},
};

/// The workspace's settings
#[utoipa::path(get, path = "/settings", responses((status = 200, body = Settings)))]
pub async fn get(State(state): State<ApiState>) -> Result<Json<Settings>, ApiError> {
    let (settings, _version) = state.store.settings().await?;
    Ok(Json(settings))
}

/// Replace the workspace's settings
///
/// What is absent is set to its default. Reaches every executor within two seconds.
#[utoipa::path(put, path = "/settings", request_body = Settings,
    responses((status = 200, body = Settings), (status = 400, body = Problem)))]
pub async fn put(
    State(state): State<ApiState>,
    Body(settings): Body<Settings>,
) -> Result<Json<Settings>, ApiError> {
    let faults = check(&settings);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    state.store.put_settings(&settings).await?;
    state.announce(Control::SettingsChanged).await;
    Ok(Json(settings))
}

const SECONDS_MAX: f64 = 86_400.0;
const RETRIES_MAX: u32 = 100;

fn check(settings: &Settings) -> Vec<ProblemError> {
    let (request, retry) = (&settings.request, &settings.retry);
    let seconds = [
        ("/request/connect_timeout_seconds", request.connect_timeout_seconds),
        ("/request/first_token_timeout_seconds", request.first_token_timeout_seconds),
        ("/request/idle_timeout_seconds", request.idle_timeout_seconds),
        ("/request/total_timeout_seconds", request.total_timeout_seconds),
        ("/retry/backoff_base_seconds", retry.backoff_base_seconds),
        ("/retry/backoff_max_seconds", retry.backoff_max_seconds),
        ("/retry/wait_max_seconds", retry.wait_max_seconds),
    ];
    let mut faults: Vec<_> = seconds
        .into_iter()
        .filter(|(_, value)| !(*value > 0.0 && *value <= SECONDS_MAX))
        .map(|(pointer, _)| fault(pointer, format!("must be above 0 and at most {SECONDS_MAX} seconds")))
        .collect();
    if retry.max_retries > RETRIES_MAX {
        faults.push(fault("/retry/max_retries", format!("must be at most {RETRIES_MAX}")));
    }
    faults
}
