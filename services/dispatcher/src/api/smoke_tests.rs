use axum::{Json, extract::State, http::StatusCode};
use runmill_broker::{Envelope, RequestError};
use runmill_proto::{
    ProviderId,
    api::{Problem, SmokeTestReport, SmokeTestRequest},
    message::SmokeTest,
};

use super::{
    ApiState,
    extract::{Body, Path},
    problem::{ApiError, fault},
};
use crate::executors;

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
    state.store.provider(id).await?;
    if model.trim().is_empty() {
        return Err(ApiError::invalid(vec![fault("/model", "must name a model")]));
    }
    let alive = executors::alive(&*state.store, &state.clock).await?;
    if alive.iter().all(|executor| executor.draining) {
        return Err(unanswered("none has reported lately"));
    }
    let question = Envelope::new(&SmokeTest { provider_id: id, model });
    // Longer than a drain may be, and whoever asked can ask another server.
    let asking = state.stop.run_until_cancelled(state.broker.request(question, SmokeTest::ANSWERED_WITHIN));
    let answer = asking.await.ok_or_else(stopping)?.map_err(|error| {
        tracing::warn!(event = "smoke_test.unanswered", provider_id = %id, %error);
        match error {
            RequestError::NoAnswer(_) => unanswered("none has answered in time"),
            RequestError::Publish(_) => unanswered("none could be asked"),
        }
    })?;
    let report = answer.decode().map_err(|error| {
        tracing::error!(event = "smoke_test.unreadable", provider_id = %id, %error);
        ApiError::new(
            StatusCode::BAD_GATEWAY,
            "an executor's answer could not be read: is it of this version?",
        )
    })?;
    Ok(Json(report))
}

fn stopping() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "this server stops; ask again in some seconds")
}

fn unanswered(why: &str) -> ApiError {
    let detail = format!("no executor answers: {why}; start one, or see `GET /executors`");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
