use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use futures::stream;
use runmill_proto::{
    InvocationId, RunId,
    api::{InvocationRecord, Page, PageQuery, Problem, ResultRecord},
    message::JobKey,
};

use super::{
    ApiState,
    extract::{Path, Query},
    ndjson,
    page::PageRequest,
    problem::ApiError,
};

/// Rows read at once when all are asked for.
const CHUNK: u32 = 500;

/// What came of the run's jobs
///
/// A page, or with `Accept: application/x-ndjson` all of them, a line each.
#[utoipa::path(get, path = "/runs/{id}/results", params(("id" = RunId, Path), PageQuery),
    responses((status = 200, body = Page<ResultRecord>), (status = 404, body = Problem)))]
pub async fn results(
    State(state): State<ApiState>,
    Path(run_id): Path<RunId>,
    headers: HeaderMap,
    Query(query): Query<PageQuery>,
) -> Result<Response, ApiError> {
    state.store.run(run_id).await?;
    let key = move |row: &ResultRecord| JobKey { run_id, ordinal: row.ordinal, sample: row.sample };
    if ndjson::is_asked_for(&headers) {
        let store = state.store;
        return Ok(ndjson::stream(stream::try_unfold(None, move |after| {
            let store = store.clone();
            async move {
                let rows = store.results(run_id, after, CHUNK).await?;
                Ok(rows.last().map(key).map(|last| (rows, Some(last))))
            }
        })));
    }
    let page = PageRequest::<Place>::try_from(query)?;
    let after = page.after.map(|place| JobKey { run_id, ordinal: place.ordinal, sample: place.sample });
    let rows = state.store.results(run_id, after, page.limit).await?;
    let cursor = |row: &ResultRecord| Place { ordinal: row.ordinal, sample: row.sample };
    Ok(Json(page.page(rows, cursor, |row| row)).into_response())
}

/// Every pass of the run's jobs through the model client, with its attempts
///
/// A page, or with `Accept: application/x-ndjson` all of them, a line each.
#[utoipa::path(get, path = "/runs/{id}/invocations", params(("id" = RunId, Path), PageQuery),
    responses((status = 200, body = Page<InvocationRecord>), (status = 404, body = Problem)))]
pub async fn invocations(
    State(state): State<ApiState>,
    Path(run_id): Path<RunId>,
    headers: HeaderMap,
    Query(query): Query<PageQuery>,
) -> Result<Response, ApiError> {
    state.store.run(run_id).await?;
    if ndjson::is_asked_for(&headers) {
        let store = state.store;
        return Ok(ndjson::stream(stream::try_unfold(None, move |after| {
            let store = store.clone();
            async move {
                let rows = store.invocations(run_id, after, CHUNK).await?;
                Ok(rows.last().map(|row| row.id).map(|last| (rows, Some(last))))
            }
        })));
    }
    let page = PageRequest::<InvocationId>::try_from(query)?;
    let rows = state.store.invocations(run_id, page.after, page.limit).await?;
    Ok(Json(page.page(rows, |row| row.id, |row| row)).into_response())
}

/// A result's place in its run, as a cursor: `ordinal.sample`.
#[derive(Clone, Copy)]
struct Place {
    ordinal: u32,
    sample: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.ordinal, self.sample)
    }
}

impl std::str::FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "not a cursor of this list; use the `next` of the page before";
        let (ordinal, sample) = text.split_once('.').ok_or(wrong)?;
        Ok(Self { ordinal: ordinal.parse().map_err(|_| wrong)?, sample: sample.parse().map_err(|_| wrong)? })
    }
}
