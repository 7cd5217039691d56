use std::{fmt::Display, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use futures::stream;
use runmill_proto::{
    InvocationId, RunConfig, RunId,
    api::{DetailedResult, InvocationRecord, JudgedResult, Page, PageQuery, Problem, ResultsQuery},
    message::JobKey,
};
use runmill_store::StoreError;
use serde::Serialize;

use super::{
    ApiState,
    extract::{Path, Query},
    ndjson,
    page::{InvalidCursor, PageRequest},
    problem::ApiError,
};
use crate::{
    caller::Caller,
    judging::judged_results,
    results::{Found, Results},
};

/// Number of rows that one query reads when all records of a run are streamed.
const CHUNK: u32 = 500;

/// List the results of a run
///
/// One result for each job that has ended. Returns a page, or, with `Accept: application/x-ndjson`, all results, one on
/// each line.
#[utoipa::path(get, path = "/runs/{id}/results", params(("id" = RunId, Path), PageQuery, ResultsQuery),
    responses((status = 200, content((Page<DetailedResult> = "application/json"), (String = "application/x-ndjson"))), (status = 404, body = Problem)))]
pub async fn results(
    State(state): State<ApiState>,
    caller: Caller,
    Path(run_id): Path<RunId>,
    headers: HeaderMap,
    Query(query): Query<PageQuery>,
    Query(asked): Query<ResultsQuery>,
) -> Result<Response, ApiError> {
    let page = PageRequest::<Place>::try_from(query)?;
    let run = caller.run(&*state.store, run_id).await?;
    let results = Results::new(state.store, run, &asked).map_err(ApiError::bad_request)?;
    let key = move |place: Place| place.key(run_id);
    if results.are_detailed() {
        if ndjson::is_asked_for(&headers) {
            return Ok(ndjson::stream(results.pages()));
        }
        let (items, next) = placed(results.detailed_page(page.after.map(key), page.limit).await?);
        return Ok(Json(Page { items, next: next.map(|next| next.to_string()) }).into_response());
    }
    let read = move |after: Option<Place>, limit| {
        let results = results.clone();
        async move { Ok(placed(results.page(after.map(key), limit).await?)) }
    };
    listed(&headers, page, read).await
}

fn placed<R>(found: Found<R>) -> Part<R, Place> {
    (found.rows, found.next.map(Place::of))
}

/// List the verdicts on a run's answers
///
/// One record for each job that has ended, with the verdict of each judge and their vote. Returns a page, or, with `Accept:
/// application/x-ndjson`, all of them, one on each line.
#[utoipa::path(get, path = "/runs/{id}/verdicts", params(("id" = RunId, Path), PageQuery),
    responses((status = 200, content((Page<JudgedResult> = "application/json"), (String = "application/x-ndjson"))), (status = 404, body = Problem)))]
pub async fn verdicts(
    State(state): State<ApiState>,
    caller: Caller,
    Path(run_id): Path<RunId>,
    headers: HeaderMap,
    Query(query): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let page = PageRequest::<Place>::try_from(query)?;
    let run = Arc::new(caller.run(&*state.store, run_id).await?);
    let store = state.store;
    let read = move |after: Option<Place>, limit| {
        let (store, run) = (store.clone(), run.clone());
        async move {
            let rows = judged_results(&store, &run, after.map(|place| place.key(run_id)), limit).await?;
            Ok(part(rows, limit, |row| Place { ordinal: row.ordinal, sample: row.sample }))
        }
    };
    listed(&headers, page, read).await
}

/// List the invocations of a run
///
/// An invocation is one attempt to answer a job, with all its HTTP requests. A job that was deferred or repeated has
/// several. Returns a page, or, with `Accept: application/x-ndjson`, all invocations, one on each line.
#[utoipa::path(get, path = "/runs/{id}/invocations", params(("id" = RunId, Path), PageQuery),
    responses((status = 200, content((Page<InvocationRecord> = "application/json"), (String = "application/x-ndjson"))), (status = 404, body = Problem)))]
pub async fn invocations(
    State(state): State<ApiState>,
    caller: Caller,
    Path(run_id): Path<RunId>,
    headers: HeaderMap,
    Query(query): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let page = PageRequest::<InvocationId>::try_from(query)?;
    caller.run(&*state.store, run_id).await?;
    let store = state.store;
    let read = move |after, limit| {
        let store = store.clone();
        async move { Ok(part(store.invocations(run_id, after, limit).await?, limit, |row| row.id)) }
    };
    listed(&headers, page, read).await
}

/// Rows, and the cursor of what follows them.
type Part<R, C> = (Vec<R>, Option<C>);

/// Returns rows of which there are fewer than `limit` only at the end.
fn part<R, C>(rows: Vec<R>, limit: u32, cursor: impl Fn(&R) -> C) -> Part<R, C> {
    let next = rows.last().filter(|_| rows.len() >= limit as usize).map(cursor);
    (rows, next)
}

/// Returns a page of rows, or all of them if the caller asks for NDJSON. `read` returns so many rows after a cursor.
async fn listed<C, R, F>(
    headers: &HeaderMap,
    page: PageRequest<C>,
    read: impl Fn(Option<C>, u32) -> F + Send + 'static,
) -> Result<Response, ApiError>
where
    C: Copy + Display + Send + 'static,
    R: Serialize + Send + 'static,
    F: Future<Output = Result<Part<R, C>, StoreError>> + Send + 'static,
{
    if ndjson::is_asked_for(headers) {
        // The cursor of the next part. `None` after the last one.
        return Ok(ndjson::stream(stream::try_unfold(Some(None), move |after| {
            let rows = after.map(|after| read(after, CHUNK));
            async move {
                let Some(rows) = rows else { return Ok(None) };
                let (rows, next) = rows.await?;
                Ok(Some((rows, next.map(Some))))
            }
        })));
    }
    let (items, next) = read(page.after, page.limit).await?;
    Ok(Json(Page { items, next: next.map(|next| next.to_string()) }).into_response())
}

/// Place of a result in its run, written as the cursor `ordinal.sample`.
#[derive(Clone, Copy)]
pub struct Place {
    ordinal: u32,
    sample: u32,
}

impl Place {
    /// Returns the place after which the results of an item begin. `None` for the first item.
    pub const fn before(ordinal: u32) -> Option<Self> {
        match ordinal.checked_sub(1) {
            Some(ordinal) => Some(Self { ordinal, sample: RunConfig::SAMPLES.max }),
            None => None,
        }
    }

    pub const fn of(key: JobKey) -> Self {
        Self { ordinal: key.ordinal, sample: key.sample }
    }

    pub const fn key(self, run_id: RunId) -> JobKey {
        JobKey { run_id, ordinal: self.ordinal, sample: self.sample }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.ordinal, self.sample)
    }
}

impl std::str::FromStr for Place {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (ordinal, sample) = text.split_once('.').ok_or(InvalidCursor)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidCursor);
        Ok(Self { ordinal: number(ordinal)?, sample: number(sample)? })
    }
}
