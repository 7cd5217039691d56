use axum::{Json, extract::State};
use runmill_proto::{
    ProviderId,
    api::{Problem, SmokeTestReport, SmokeTestRequest},
};

use super::{
    ApiState,
    extract::{Body, Path},
    problem::ApiError,
};

/// Try a model of a provider
///
/// An executor asks it one short question, on the same way as a run. A model that does not answer is a report with
/// `ok: false`, the error, and what to do about it.
#[utoipa::path(post, path = "/providers/{id}/smoke-test", params(("id" = ProviderId, Path)),
    request_body = SmokeTestRequest,
    responses((status = 200, body = SmokeTestReport), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem, description = "No executor answers")))]
pub async fn create(
    State(state): State<ApiState>,
    Path(id): Path<ProviderId>,
    Body(SmokeTestRequest { model }): Body<SmokeTestRequest>,
) -> Result<Json<SmokeTestReport>, ApiError> {
    Ok(Json(state.smoke_tests.test(id, model).await?))
}
