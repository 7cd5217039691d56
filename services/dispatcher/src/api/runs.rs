use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use runmill_proto::{
    RunId,
    api::{NewRun, Page, PageQuery, Problem, ProblemError, Run},
};
use runmill_store::{CreatedRun, RunRow, StoreError, Transition};
use runmill_telemetry::trace;
use serde::Deserialize;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{
    ApiState,
    extract::{Body, Path, Query},
    page::PageRequest,
    problem::{ApiError, config_fault, fault},
};
use crate::view;

/// Submit a run
///
/// Answers at once, whatever the run's size. With an `Idempotency-Key` header, sending it again answers with the run
/// that was made the first time.
#[utoipa::path(post, path = "/runs", request_body = NewRun,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters of your own")),
    responses((status = 201, body = Run), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Body(new): Body<NewRun>,
) -> Result<(StatusCode, Json<Run>), ApiError> {
    let mut row = checked(&state, new, idempotency_key(&headers)?).await?;
    let span = submission(&row, &headers);
    row.submission.traceparent = trace::context_of(&span);
    let row = match state.store.create_run(&row).instrument(span).await? {
        CreatedRun::New(row) => {
            tracing::info!(event = "run.created", run_id = %row.id, jobs = row.total);
            state.steering.wake.notify_one();
            row
        }
        CreatedRun::Existing(row) => row,
    };
    Ok((StatusCode::CREATED, Json(view::run(row))))
}

/// In the caller's trace, if it has one. The jobs have traces of their own, which are linked to this one: a trace of a
/// million jobs would be one that nobody can look at.
fn submission(row: &RunRow, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: trace::ONLY,
        parent: None,
        "run.submit",
        run_id = %row.id,
        provider_id = %row.submission.provider_id,
        model = row.submission.model,
        jobs = row.total,
    );
    trace::continue_from(&span, headers.get("traceparent").and_then(|value| value.to_str().ok()));
    span
}

#[derive(Deserialize, utoipa::IntoParams)]
pub struct KeyQuery {
    /// Only the newest run whose `Idempotency-Key` begins so.
    key_prefix: Option<String>,
}

/// All runs, the newest first
#[utoipa::path(get, path = "/runs", params(PageQuery, KeyQuery), responses((status = 200, body = Page<Run>)))]
pub async fn list(
    State(state): State<ApiState>,
    Query(query): Query<PageQuery>,
    Query(KeyQuery { key_prefix }): Query<KeyQuery>,
) -> Result<Json<Page<Run>>, ApiError> {
    if let Some(key_prefix) = key_prefix {
        let found = state.store.newest_run_by_key(&key_prefix).await?;
        return Ok(Json(Page { items: found.into_iter().map(view::run).collect(), next: None }));
    }
    let page = PageRequest::<RunId>::try_from(query)?;
    let rows = state.store.runs(page.after, page.limit).await?;
    Ok(Json(page.page(rows, |row| row.id, view::run)))
}

/// One run, with its counters, cost, usage and score
#[utoipa::path(get, path = "/runs/{id}", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem)))]
pub async fn get(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    Ok(Json(view::run(state.store.run(id).await?)))
}

/// Cancel a run
///
/// Nothing new of it is called. Asked twice, it is as once.
#[utoipa::path(post, path = "/runs/{id}/cancel", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn cancel(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    steer(&state, id, Transition::Cancel).await
}

/// Pause a run
///
/// What is in flight finishes; nothing more is called until it is resumed. A run that its provider stopped no longer
/// resumes by itself.
#[utoipa::path(post, path = "/runs/{id}/pause", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn pause(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    let transition = Transition::Pause { reason: "paused by a user".to_owned() };
    steer(&state, id, transition).await
}

/// Resume a paused run
#[utoipa::path(post, path = "/runs/{id}/resume", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn resume(State(state): State<ApiState>, Path(id): Path<RunId>) -> Result<Json<Run>, ApiError> {
    steer(&state, id, Transition::Resume).await
}

/// Try the failed jobs of an ended run again
#[utoipa::path(post, path = "/runs/{id}/retry-failed", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn retry_failed(
    State(state): State<ApiState>,
    Path(id): Path<RunId>,
) -> Result<Json<Run>, ApiError> {
    let run = state.store.run(id).await?;
    if let Err(StoreError::NotFound { .. }) = state.store.provider(run.submission.provider_id).await {
        let gone = format!("the provider of run {id} was deleted: submit a new run with another one");
        return Err(StoreError::Conflict(gone).into());
    }
    steer(&state, id, Transition::RetryFailed).await
}

async fn steer(state: &ApiState, id: RunId, transition: Transition) -> Result<Json<Run>, ApiError> {
    Ok(Json(view::run(state.steering.steer(id, transition).await?)))
}

const KEY_CHARS_MAX: usize = 255;

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_CHARS_MAX => Ok(Some(key.to_owned())),
        _ => Err(ApiError::bad_request(format!(
            "Idempotency-Key must have from 1 to {KEY_CHARS_MAX} visible ASCII characters"
        ))),
    }
}

/// The run's first row, or everything that is wrong with what was submitted.
async fn checked(state: &ApiState, new: NewRun, idempotency_key: Option<String>) -> Result<RunRow, ApiError> {
    let mut faults = Vec::new();
    if let Some(missing) = missing(state.store.provider(new.provider_id).await, "/provider_id")? {
        faults.push(missing);
    }
    let mut items = 0;
    match state.store.dataset(new.dataset_id).await {
        Ok(dataset) => items = dataset.item_count,
        Err(error) => faults.extend(missing::<()>(Err(error), "/dataset_id")?),
    }
    if new.model.trim().is_empty() {
        faults.push(fault("/model", "must name a model"));
    }
    let priority = NewRun::PRIORITY.fault("/priority", new.priority);
    faults.extend(priority.map(|found| fault(&found.pointer, found.detail)));
    match new.config.job() {
        Ok(job) => faults.extend(check_job(&job)),
        Err(config) => faults.extend(config.into_iter().map(config_fault)),
    }
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let total = items * u64::from(new.config.samples());
    let id = RunId::from_uuid(Uuid::now_v7());
    let mut row = RunRow::new(id, new, total, state.clock.now());
    row.submission.idempotency_key = idempotency_key;
    Ok(row)
}

/// What only its interpreters can check: a prompt template compiles, and so does a scorer's pattern.
fn check_job(job: &runmill_proto::JobConfig) -> Vec<ProblemError> {
    let scoring = job.scoring.as_ref().and_then(|scoring| runmill_scoring::check(scoring).err());
    let template = job.prompt_template.as_ref().and_then(|text| runmill_prompt::check(text).err());
    scoring
        .map(|detail| fault("/config/scoring", detail))
        .into_iter()
        .chain(template.map(|detail| fault("/config/prompt_template", detail)))
        .collect()
}

/// A reference in a body to what is not there is a fault of the body, not a missing page.
fn missing<T>(found: Result<T, StoreError>, pointer: &str) -> Result<Option<ProblemError>, StoreError> {
    match found {
        Ok(_) => Ok(None),
        Err(error @ StoreError::NotFound { .. }) => Ok(Some(fault(pointer, error.to_string()))),
        Err(error) => Err(error),
    }
}
