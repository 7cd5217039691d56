use axum::{Json, extract::State};
use runmill_proto::{
    ProviderId,
    api::{Problem, SmokeTestReport, SmokeTestRequest},
};

use super::{
    ApiState,
    audit::{Change, Changed},
    extract::{Body, Path},
    problem::ApiError,
};
use crate::caller::Caller;

/// Test a model of a provider
///
/// An executor asks the model one short question in the same way as in a run. If the model does not answer, the report
/// has `ok: false` and the error with advice.
#[utoipa::path(post, path = "/providers/{id}/smoke-test", params(("id" = ProviderId, Path)),
    request_body = SmokeTestRequest,
    responses((status = 200, body = SmokeTestReport), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem, description = "No executor answers")))]
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<ProviderId>,
    Body(SmokeTestRequest { model }): Body<SmokeTestRequest>,
) -> Result<Changed<Json<SmokeTestReport>>, ApiError> {
    let provider = caller.provider(&*state.store, id).await?;
    let change = Change::new("provider.smoke_test", &provider.tenant).of(id).detail(model.clone());
    Ok(Changed(change, Json(state.smoke_tests.test(id, model).await?)))
}
