use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use runmill_proto::{
    Range, RunId,
    api::{Problem, RunEnd, RunEvent},
};
use runmill_store::StoreError;
use serde::Deserialize;
use tokio::sync::watch;

use super::{
    ApiState,
    auth::KnownTokens,
    extract::{Path, Query, query_number},
    problem::ApiError,
};
use crate::{
    caller::Caller,
    view,
    watcher::{Versions, look},
};

const RECONNECT_AFTER: Duration = Duration::from_secs(2);
const PING_AFTER: Duration = Duration::from_secs(15);
/// Maximum number of events that one query reads. An observer with a slow client holds no more than these in memory.
const READ_MAX: u32 = 1_000;

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
    let observer = RunObserver {
        versions: state.watcher.subscribe(),
        state,
        run_id,
        after,
        left,
        phase: Phase::Opening,
    };
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
    let versions = state.watcher.subscribe();
    let since = state.clock.now();
    let known = look(&*state.store, &state.clock).await?;
    let tokens = state.tokens.clone();
    let observer =
        FleetObserver { state, versions, known, since, left, opened: false, caller: caller.clone() };
    let batches = stream::unfold(observer, async |mut observer| {
        let events = or_close(observer.next().await)?;
        Some((events, observer))
    });
    Ok(respond(batches, tokens, caller))
}

/// Sends the events until the token of `caller` ends.
fn respond(
    batches: impl Stream<Item = Vec<Event>> + Send + 'static,
    tokens: Arc<KnownTokens>,
    caller: Caller,
) -> Response {
    let batches = batches.take_until(async move { tokens.ended(&caller).await });
    let events = batches.flat_map(|batch| stream::iter(batch.into_iter().map(Ok::<_, Infallible>)));
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(PING_AFTER).text("ping"));
    // Tells nginx and other proxies not to buffer, because that would delay the events.
    ([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response()
}

/// Ends the stream after an error. Its client reconnects and resumes.
fn or_close(events: Result<Option<Vec<Event>>, StoreError>) -> Option<Vec<Event>> {
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

fn opening() -> Event {
    Event::default().comment("ready").retry(RECONNECT_AFTER)
}

fn encode(event: &RunEvent) -> Event {
    Event::default().event(event.name()).json_data(event).expect("maps in events have string keys")
}

/// Returns true if another event may be sent, and counts it. `None` means no limit.
fn take_one(left: &mut Option<u64>) -> bool {
    match left {
        None => true,
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
    }
}

/// Follows one run: reads its events from the store, and waits for the watcher when there are no more.
struct RunObserver {
    state: ApiState,
    versions: watch::Receiver<Versions>,
    run_id: RunId,
    /// `seq` of the event that was sent last.
    after: u64,
    left: Option<u64>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Following,
    Ended,
}

impl RunObserver {
    async fn next(&mut self) -> Result<Option<Vec<Event>>, StoreError> {
        match self.phase {
            Phase::Opening => {
                self.phase = Phase::Following;
                let run = Box::new(view::run(self.state.store.run(self.run_id).await?));
                Ok(Some(vec![opening(), encode(&RunEvent::Snapshot { run })]))
            }
            Phase::Following => self.follow().await,
            Phase::Ended => Ok(None),
        }
    }

    async fn follow(&mut self) -> Result<Option<Vec<Event>>, StoreError> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            // The versions are marked as seen before the store is read, so that an event written during the read
            // counts as a change.
            self.versions.mark_unchanged();
            let events = self.read().await?;
            if !events.is_empty() {
                return Ok(Some(events));
            }
            let run = self.state.store.run(self.run_id).await?;
            if run.status.is_terminal() && run.seq <= self.after {
                self.phase = Phase::Ended;
                let end = RunEnd { run_id: self.run_id, status: run.status };
                return Ok(Some(vec![encode(&RunEvent::End(end))]));
            }
            if run.seq <= self.after && !self.changed().await {
                return Ok(None);
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<Event>, StoreError> {
        let pages = self.state.store.events(self.run_id, self.after, READ_MAX).await?;
        let mut events = Vec::new();
        for page in pages {
            for (seq, event) in (page.first_seq..).zip(&page.events) {
                if seq > self.after && take_one(&mut self.left) {
                    self.after = seq;
                    events.push(encode(event).id(seq.to_string()));
                }
            }
        }
        Ok(events)
    }

    /// Waits until this run may have new events. Returns false if the server stops.
    async fn changed(&mut self) -> bool {
        loop {
            let hint = self.state.stop.run_until_cancelled(self.versions.changed()).await;
            if !matches!(hint, Some(Ok(()))) {
                return false;
            }
            let seq = self.versions.borrow_and_update().get(&self.run_id).copied();
            // A run that is no longer in the map has ended, and its last events must be read, too.
            if seq.is_none_or(|seq| seq > self.after) {
                return true;
            }
        }
    }
}

/// Follows all runs that its token sees, from its creation on.
struct FleetObserver {
    state: ApiState,
    versions: watch::Receiver<Versions>,
    /// `seq` up to which the events of each run were sent.
    known: HashMap<RunId, u64>,
    since: Timestamp,
    left: Option<u64>,
    opened: bool,
    caller: Caller,
}

impl FleetObserver {
    async fn next(&mut self) -> Result<Option<Vec<Event>>, StoreError> {
        if !self.opened {
            self.opened = true;
            return Ok(Some(vec![opening()]));
        }
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            let hint = self.state.stop.run_until_cancelled(self.versions.changed()).await;
            if !matches!(hint, Some(Ok(()))) {
                return Ok(None);
            }
            let versions = self.versions.borrow_and_update().clone();
            let events = self.read(&versions).await?;
            self.known.retain(|run_id, _| versions.contains_key(run_id));
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }

    async fn read(&mut self, versions: &Versions) -> Result<Vec<Event>, StoreError> {
        let has_news = |(run_id, seq): (&RunId, &u64)| {
            (self.known.get(run_id).is_none_or(|known| seq > known)).then_some(*run_id)
        };
        let changed: Vec<RunId> = versions.iter().filter_map(has_news).collect();
        let mut events = Vec::new();
        for row in self.state.store.run_rows(&changed).await? {
            if !self.caller.sees(&row.submission.tenant) {
                self.known.insert(row.id, versions[&row.id]);
                continue;
            }
            // This run was created before this stream began, and had ended: its failed jobs are now tried again. Its
            // earlier events are not sent.
            let first = if row.created_at >= self.since { 0 } else { row.seq.saturating_sub(1) };
            let after = self.known.get(&row.id).copied().unwrap_or(first);
            let statuses = self.state.store.status_events(row.id, after, READ_MAX).await?;
            let seen = statuses.last().map_or(0, |(seq, _)| *seq).max(versions[&row.id]);
            let progress = RunEvent::RunProgress(row.progress());
            let news = statuses.into_iter().map(|(_, event)| event).chain([progress]);
            for event in news {
                if take_one(&mut self.left) {
                    events.push(encode(&event));
                }
            }
            self.known.insert(row.id, seen);
        }
        Ok(events)
    }
}
