//! Streams of events. What many observers send is read and written once.

mod fleet;
mod frame;
mod run;
mod shared;

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use runmill_proto::{Range, RunId, api::Problem};
use runmill_store::StoreError;
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    ApiState,
    auth::KnownTokens,
    extract::{Path, Query, query_number},
    problem::ApiError,
};
use crate::caller::Caller;
use fleet::{FleetObserver, RunNews};
use run::{RunBatch, RunObserver};
use shared::Shared;

/// Maximum number of events that one query reads.
const READ_MAX: u32 = 1_000;

/// Events that observers send at the moment: a few megabytes at most.
#[derive(Clone, Default)]
pub struct SentEvents(Arc<Sending>);

#[derive(Default)]
struct Sending {
    /// Events of a run after a `seq`.
    of_runs: Shared<(RunId, u64), RunBatch>,
    /// News of a run after a `seq`, as of a version.
    of_fleet: Shared<(RunId, u64, u64), RunNews>,
}

/// Range of an event's id, and of a number of events.
const EVENTS: Range<u64> = Range::new(0, u64::MAX);

// Query of an event stream. Its values are kept as the texts that were sent, so that an error can name the range.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct StreamQuery {
    /// Send only events after the one with this id, from 0 to 18446744073709551615. The header `Last-Event-ID` takes
    /// precedence.
    #[param(value_type = Option<u64>)]
    after: Option<String>,
    /// Close the stream after this many events, from 0 to 18446744073709551615.
    #[param(value_type = Option<u64>)]
    limit: Option<String>,
}

impl StreamQuery {
    fn after(&self) -> Result<Option<u64>, ApiError> {
        query_number("after", self.after.as_deref(), EVENTS)
    }

    fn limit(&self) -> Result<Option<u64>, ApiError> {
        query_number("limit", self.limit.as_deref(), EVENTS)
    }
}

/// Watch the events of a run
///
/// Server-Sent Events. The first event is a `snapshot` of the run. Then every event of the run follows, with its
/// `seq` as `id`. The last event is `end`. To resume after a disconnect, send the last `id` as `Last-Event-ID`: no
/// event is skipped or repeated.
#[utoipa::path(get, path = "/runs/{id}/events", params(("id" = RunId, Path), StreamQuery),
    responses((status = 200, content_type = "text/event-stream"), (status = 404, body = Problem)))]
pub async fn of_run(
    State(state): State<ApiState>,
    caller: Caller,
    Path(run_id): Path<RunId>,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, ApiError> {
    let (after, left) = (query.after()?, query.limit()?);
    let after = last_event_id(&headers)?.or(after).unwrap_or(0);
    caller.run(&*state.store, run_id).await?;
    let tokens = state.tokens.clone();
    let observer = RunObserver::new(state, run_id, after, left);
    let batches = stream::unfold(observer, async |mut observer| {
        let events = or_close(observer.next().await)?;
        Some((events, observer))
    });
    Ok(respond(batches, tokens, caller))
}

/// Watch the events of all runs of the token's tenant
///
/// Server-Sent Events from now on: `run_status` for every change of a run's status, and `run_progress` for each run at
/// most five times a second.
#[utoipa::path(get, path = "/runs/events", params(StreamQuery),
    responses((status = 200, content_type = "text/event-stream")))]
pub async fn of_all_runs(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<StreamQuery>,
) -> Result<Response, ApiError> {
    query.after()?;
    let left = query.limit()?;
    let tokens = state.tokens.clone();
    let observer = FleetObserver::new(state, left, caller.clone()).await?;
    let batches = stream::unfold(observer, async |mut observer| {
        let events = or_close(observer.next().await)?;
        Some((events, observer))
    });
    Ok(respond(batches, tokens, caller))
}

/// Sends the events until the token of `caller` ends.
fn respond(
    batches: impl Stream<Item = Bytes> + Send + 'static,
    tokens: Arc<KnownTokens>,
    caller: Caller,
) -> Response {
    let batches = batches.take_until(async move { tokens.ended(&caller).await });
    let body = stream::unfold(Box::pin(batches), async |mut batches| {
        let next = timeout(frame::PING_AFTER, batches.next()).await;
        let bytes = next.unwrap_or(Some(Bytes::from_static(frame::PING)))?;
        Some((Ok::<_, Infallible>(bytes), batches))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // Tells nginx and other proxies not to buffer, because that would delay the events.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// Ends the stream after an error. Its client reconnects and resumes.
fn or_close(events: Result<Option<Bytes>, StoreError>) -> Option<Bytes> {
    events.unwrap_or_else(|error| {
        tracing::warn!(event = "events.stream_closed", %error);
        None
    })
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let seq = EVENTS.parse(value.to_str().unwrap_or_default()).map(Some);
    seq.map_err(|fault| {
        ApiError::bad_request(format!("Last-Event-ID {fault}: the id of an event of this run"))
    })
}
