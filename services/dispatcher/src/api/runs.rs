use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use runmill_proto::{
    RunId,
    api::{NewRun, Page, PageQuery, Problem, Run},
};
use runmill_store::Transition;
use serde::Deserialize;

use super::{
    ApiState,
    extract::{Body, Path, Query},
    page::PageRequest,
    problem::ApiError,
};
use crate::{idempotency_key::IdempotencyKey, view};

/// Submit a run
///
/// The response comes at once, whatever the size of the run. If a request with the same `Idempotency-Key` is sent
/// again, the response is the run that the first one created, and no second run is created.
#[utoipa::path(post, path = "/runs", request_body = NewRun,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A name of your own for this submission, up to 255 characters")),
    responses((status = 201, body = Run), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Body(new): Body<NewRun>,
) -> Result<(StatusCode, Json<Run>), ApiError> {
    let key = headers.get("idempotency-key").map(|key| IdempotencyKey::parse(key.as_bytes())).transpose()?;
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let row = state.submission.submit(new, key, traceparent).await?;
    Ok((StatusCode::CREATED, Json(view::run(row))))
}

#[derive(Deserialize, utoipa::IntoParams)]
pub struct KeyQuery {
    /// Return only the newest run whose `Idempotency-Key` starts with this text.
    key_prefix: Option<String>,
}

/// List runs, newest first
#[utoipa::path(get, path = "/runs", params(PageQuery, KeyQuery), responses((status = 200, body = Page<Run>)))]
pub async fn list(
    State(state): State<ApiState>,
    Query(query): Query<PageQuery>,
    Query(KeyQuery { key_prefix }): Query<KeyQuery>,
) -> Result<Json<Page<Run>>, ApiError> {
    let page = PageRequest::<RunId>::try_from(query)?;
    if let Some(key_prefix) = key_prefix {
        let found = state.store.newest_run_by_key(&key_prefix).await?;
        return Ok(Json(Page { items: found.into_iter().map(view::run).collect(), next: None }));
    }
    let rows = state.store.runs(page.after, page.limit).await?;
    Ok(Json(page.page(rows, |row| row.id, view::run)))
}

/// Get a run with its counters, cost, usage and score
#[utoipa::path(get, path = "/runs/{id}", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem)))]
pub async fn get(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    let held_back = state.obstacles.of(id);
    Ok(Json(Run { held_back, ..view::run(state.store.run(id).await?) }))
}

/// Cancel a run
///
/// No further calls start. Idempotent.
#[utoipa::path(post, path = "/runs/{id}/cancel", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn cancel(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    apply(&state, id, Transition::Cancel).await
}

/// Pause a run
///
/// Calls in flight finish; no further calls start until the run is resumed. A run that was already paused because its
/// provider refused calls no longer resumes by itself.
#[utoipa::path(post, path = "/runs/{id}/pause", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn pause(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    let transition = Transition::Pause { reason: "paused by a user".to_owned() };
    apply(&state, id, transition).await
}

/// Resume a paused run
#[utoipa::path(post, path = "/runs/{id}/resume", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn resume(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    apply(&state, id, Transition::Resume).await
}

/// Retry the failed jobs of an ended run
#[utoipa::path(post, path = "/runs/{id}/retry-failed", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn retry_failed(
    State(state): State<ApiState>,
    Path(id): Path<RunId>,
) -> Result<Json<Run>, ApiError> {
    Ok(Json(view::run(state.runs.retry_failed(id).await?)))
}

async fn apply(state: &ApiState, id: RunId, transition: Transition) -> Result<Json<Run>, ApiError> {
    Ok(Json(view::run(state.runs.apply(id, transition).await?)))
}
