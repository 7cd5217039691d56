use std::collections::BTreeSet;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, RunId, Scorer, Scoring, UnknownName,
    api::{
        Extension, HeldBack, HeldBackCause, NewRun, NewScoring, Page, PageQuery, Problem, Run, RunPatch,
        Webhook,
    },
};
use runmill_store::{RunRow, StoreError, Transition};
use serde::Deserialize;

use super::{
    ApiState,
    audit::{Change, Changed},
    extract::{Body, Path, Query},
    page::PageRequest,
    problem::ApiError,
};
use crate::{
    caller::Caller,
    error::{UseCaseError, fault},
    executors,
    idempotency_key::{IdempotencyKey, stored_key},
    view,
};

/// Submit a run
///
/// The response comes at once, whatever the size of the run. With `use_lighteval_executor: true` in `config`, LightEval
/// executes the run: `config.lighteval` has its `tasks`, and may have `custom_tasks` and `max_samples`; there is no dataset,
/// and an executor must have LightEval. If a request with the same `Idempotency-Key` is sent
/// again, the response is the run that the first one created, and no second run is created.
#[utoipa::path(post, path = "/runs", request_body = NewRun,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A name of your own for this submission, up to 255 characters")),
    responses((status = 201, body = Run), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 503, body = Problem, description = "No executor has LightEval")))]
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Body(new): Body<NewRun>,
) -> Result<Changed<(StatusCode, Json<Run>)>, ApiError> {
    let key = headers.get("idempotency-key").map(|key| IdempotencyKey::parse(key.as_bytes())).transpose()?;
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let has_webhook = new.webhook.is_some();
    let row = state.submission.submit(&caller, new, key, traceparent).await?;
    let webhook = if has_webhook { webhook(&state, row.id).await? } else { None };
    let Changed(change, Json(run)) = changed("run.create", row);
    Ok(Changed(change, (StatusCode::CREATED, Json(Run { webhook, ..run }))))
}

#[derive(Deserialize, utoipa::IntoParams)]
pub struct RunsQuery {
    /// Return only the newest run of the token's tenant whose `Idempotency-Key` starts with this text.
    key_prefix: Option<String>,
    /// Return only runs that ended before this time, oldest first.
    #[param(value_type = Option<String>, format = DateTime)]
    ended_before: Option<Timestamp>,
}

/// List runs, newest first
#[utoipa::path(get, path = "/runs", params(PageQuery, RunsQuery), responses((status = 200, body = Page<Run>)))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
    Query(RunsQuery { key_prefix, ended_before }): Query<RunsQuery>,
) -> Result<Json<Page<Run>>, ApiError> {
    let page = PageRequest::<RunId>::try_from(query)?;
    if let Some(key_prefix) = key_prefix {
        let tenant = caller.creates_in();
        let prefix = stored_key(&tenant, &key_prefix);
        let found = state.store.newest_run_by_key(&tenant, &prefix).await?;
        return Ok(Json(Page { items: found.into_iter().map(view::run).collect(), next: None }));
    }
    let tenant = caller.tenant.as_ref();
    let rows = match ended_before {
        Some(before) => state.store.ended_runs(tenant, before, page.after, page.limit).await?,
        None => state.store.runs(tenant, page.after, page.limit).await?,
    };
    Ok(Json(page.page(rows, |row| row.id, view::run)))
}

/// Get a run with its counters, cost, usage and score
#[utoipa::path(get, path = "/runs/{id}", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem)))]
pub async fn get(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Result<Json<Run>, ApiError> {
    let row = caller.run(&*state.store, id).await?;
    let mut held_back = state.obstacles.of(id);
    if row.is_of_lighteval()
        && !row.status.is_terminal()
        && !executors::has_lighteval(&*state.store, &state.clock).await?
    {
        let message = "no living executor has LightEval: start one with RUNMILL_LIGHTEVAL".to_owned();
        held_back.push(HeldBack { cause: HeldBackCause::NoExecutor, message });
    }
    Ok(Json(Run { held_back, webhook: webhook(&state, id).await?, ..view::run(row) }))
}

async fn webhook(state: &ApiState, id: RunId) -> Result<Option<Webhook>, StoreError> {
    Ok(state.store.webhook(id).await?.map(view::webhook))
}

/// Delete a run
///
/// Its results, invocations, events and verdicts are deleted with it, for good; its dataset stays. Fails with 409 while the run
/// or a judge of it has not ended, and for the run of a judge alone.
#[utoipa::path(delete, path = "/runs/{id}", params(("id" = RunId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Result<Changed<StatusCode>, ApiError> {
    let row = caller.steered_run(&*state.store, id).await?;
    if let Some(judging) = row.submission.config.judging().filter(|_| row.is_of_judge())
        && state.store.run(judging.run_id).await.is_ok()
    {
        let judged = judging.run_id;
        let why = format!("run {id} has the verdicts on run {judged}: delete that one, and both are deleted");
        return Err(StoreError::Conflict(why).into());
    }
    for judge in &row.judges {
        match state.store.remove_run(judge.progress.run_id).await {
            Err(StoreError::NotFound { .. }) => {}
            removed => removed?,
        }
    }
    state.store.remove_run(id).await?;
    tracing::info!(event = "run.deleted", run_id = %id);
    Ok(Changed(Change::new("run.delete", &row.submission.tenant).of(id), StatusCode::NO_CONTENT))
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
pub struct CancelQuery {
    /// Let the calls in flight finish, instead of dropping them. Default: false.
    #[serde(default)]
    graceful: bool,
}

/// Cancel a run
///
/// No further calls start, and calls in flight are dropped: the provider may charge them, but their cost is not known.
/// With `graceful=true` they finish and are recorded; a second request without it drops them. Idempotent.
#[utoipa::path(post, path = "/runs/{id}/cancel", params(("id" = RunId, Path), CancelQuery),
    responses((status = 200, body = Run), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn cancel(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(CancelQuery { graceful }): Query<CancelQuery>,
) -> Result<Changed<Json<Run>>, ApiError> {
    let transition = if graceful { Transition::CancelGracefully } else { Transition::Cancel };
    apply(&state, &caller, id, "run.cancel", transition).await
}

/// Change a run while it runs
///
/// A run's `priority` and `concurrency` hold for the jobs that are put into the queue from now on. A run that is paused
/// because its budget was used up resumes when its `budget` is changed. Idempotent.
#[utoipa::path(patch, path = "/runs/{id}", request_body = RunPatch, params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
    Body(patch): Body<RunPatch>,
) -> Result<Changed<Json<Run>>, ApiError> {
    caller.steered_run(&*state.store, id).await?;
    Ok(changed("run.change", state.runs.change(id, patch).await?))
}

/// Give a run more samples
///
/// A run that completed goes on with the new samples; what has a result keeps it. A canceled run gets none. Idempotent.
#[utoipa::path(post, path = "/runs/{id}/extend", request_body = Extension, params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn extend(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
    Body(extension): Body<Extension>,
) -> Result<Changed<Json<Run>>, ApiError> {
    caller.steered_run(&*state.store, id).await?;
    Ok(changed("run.extend", state.runs.extend(id, extension).await?))
}

/// Score the answers of an ended run anew
///
/// With `scoring`, no model is called. The scores become a new version, by which the run is then shown; the versions before it
/// are kept. While it is made, `rescoring` of the run tells how far it is. Idempotent. A run that goes on is shown by the scores
/// of the executors again.
///
/// With `judges`, these models judge the answers. They are added to the run's `judges`, which show their progress.
#[utoipa::path(post, path = "/runs/{id}/rescore", request_body = NewScoring, params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn rescore(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
    Body(new): Body<NewScoring>,
) -> Result<Changed<Json<Run>>, ApiError> {
    let row = caller.steered_run(&*state.store, id).await?;
    if !new.judges.is_empty() {
        let transition = state.submission.judge(&caller, &row, new).await?;
        return Ok(changed("run.judge", state.runs.apply(id, transition).await?));
    }
    let NewScoring { scoring, budget, .. } = new;
    if budget.is_some() {
        return Err(
            UseCaseError::Invalid(vec![fault("/budget", "is that of judges, and there are none")]).into()
        );
    }
    if scoring.as_ref().is_some_and(|scoring| scoring.scorer == Scorer::Code) {
        let detail = "only executors run programs: submit a new run with this scorer";
        return Err(UseCaseError::Invalid(vec![fault("/scoring", detail)]).into());
    }
    let tolerance = scoring.as_ref().and_then(|scoring| scoring.tolerance);
    if let Some(fault) = Scoring::TOLERANCE.fault("/scoring/tolerance", tolerance) {
        return Err(UseCaseError::Invalid(vec![fault]).into());
    }
    if let Some(error) = scoring.as_ref().and_then(|scoring| runmill_scoring::check(scoring).err()) {
        return Err(UseCaseError::Invalid(vec![fault("/scoring", error)]).into());
    }
    Ok(changed("run.rescore", state.runs.apply(id, Transition::Rescore { scoring }).await?))
}

/// Pause a run
///
/// Calls in flight finish; no further calls start until the run is resumed. A run that was already paused because its
/// provider refused calls no longer resumes by itself.
#[utoipa::path(post, path = "/runs/{id}/pause", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn pause(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Result<Changed<Json<Run>>, ApiError> {
    let transition = Transition::Pause { reason: "paused by a user".to_owned() };
    apply(&state, &caller, id, "run.pause", transition).await
}

/// Resume a paused run
#[utoipa::path(post, path = "/runs/{id}/resume", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn resume(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Result<Changed<Json<Run>>, ApiError> {
    apply(&state, &caller, id, "run.resume", Transition::Resume).await
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
pub struct RetryQuery {
    /// Kinds of error, separated by commas: only jobs that failed with one of them are tried again. Default: all.
    kinds: Option<String>,
}

/// Retry the failed jobs of an ended run
#[utoipa::path(post, path = "/runs/{id}/retry-failed", params(("id" = RunId, Path), RetryQuery),
    responses((status = 200, body = Run), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn retry_failed(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(RetryQuery { kinds }): Query<RetryQuery>,
) -> Result<Changed<Json<Run>>, ApiError> {
    caller.steered_run(&*state.store, id).await?;
    let kinds = kinds.as_deref().map(error_kinds).transpose()?.unwrap_or_default();
    Ok(changed("run.retry_failed", state.runs.retry_failed(id, kinds).await?))
}

fn error_kinds(text: &str) -> Result<BTreeSet<ErrorKind>, ApiError> {
    let kinds = text.split(',').map(|name| name.trim().parse()).collect::<Result<_, UnknownName>>();
    kinds.map_err(|error| ApiError::bad_request(format!("kinds: {error}")))
}

async fn apply(
    state: &ApiState,
    caller: &Caller,
    id: RunId,
    action: &'static str,
    transition: Transition,
) -> Result<Changed<Json<Run>>, ApiError> {
    caller.steered_run(&*state.store, id).await?;
    Ok(changed(action, state.runs.apply(id, transition).await?))
}

fn changed(action: &'static str, row: RunRow) -> Changed<Json<Run>> {
    Changed(Change::new(action, &row.submission.tenant).of(row.id), Json(view::run(row)))
}
