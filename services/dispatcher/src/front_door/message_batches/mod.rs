//! Anthropic's batches of messages: `/v1/messages/batches`. The requests become the lines of a file that no client sees.

mod entries;
mod object;

use axum::{
    Json,
    body::Body as RawBody,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use runmill_front_door::{Dialect, Endpoint, Refusal, message_batch};
use runmill_proto::RunId;
use runmill_store::{BatchProtocol, FileLines, FileRow, Lines, StoreError};
use serde_json::Value;

use self::{entries::Entries, object::object};
use super::{
    batches::{
        OpenBatch, results,
        submission::{self, Asked, Repetition, Submitted},
    },
    extract::{Path, Query},
    ids,
    list::{ListQuery, anthropic_list},
    refused::{Refused, from_api, from_store},
    uploads::{
        Envelope, form,
        requests::{Found, SharedFound, one},
    },
};
use crate::{
    api::{ApiState, Change, Changed},
    caller::Caller,
};

const PREFIX: &str = "msgbatch_";
/// Name of the dataset of a batch.
const NAME: &str = "messages";
/// Time after which a batch expires, which clients cannot choose.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Largest page of the list.
const LIST_MAX: u32 = 1_000;

type Answer = Result<Response, Refused>;

/// Makes a batch of requests.
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    body: RawBody,
) -> Answer {
    let created = submit(&state, &caller, &headers, body).await.map_err(Refused::by(Dialect::Anthropic));
    let Submitted { batch, is_new } = created?;
    let answer = Json(object(&batch, &base(&state, &headers)?));
    if !is_new {
        return Ok(answer.into_response());
    }
    let change = Change::new("batch.create", &batch.row.tenant).of(ids::batch(PREFIX, batch.row.id));
    Ok(Changed(change, answer).into_response())
}

/// Lists batches, newest first.
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Answer {
    let listed = async {
        let limit = query.limit(LIST_MAX)?;
        if query.before_id.is_some() {
            return Err(Refusal::invalid("before_id", "`before_id` is not supported; use `after_id`"));
        }
        let after = query.after_id.as_deref().map(parse).transpose()?;
        let page = OpenBatch::page(&*state.store, &caller, BatchProtocol::Anthropic, after, limit).await;
        let (batches, has_more) = page.map_err(from_store)?;
        let base = state.public_url.front_door(&headers).map_err(from_api)?;
        let data = batches.iter().map(|batch| object(batch, &base)).collect::<Vec<_>>();
        Ok(Json(anthropic_list(&data, has_more)).into_response())
    };
    listed.await.map_err(Refused::by(Dialect::Anthropic))
}

pub async fn get(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    let batch = find(&state, &caller, &id).await.map_err(Refused::by(Dialect::Anthropic))?;
    Ok(Json(object(&batch, &base(&state, &headers)?)).into_response())
}

/// Cancels a batch: its calls in flight finish, and their answers are among the results.
pub async fn cancel(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Changed<Json<Value>>, Refused> {
    let canceled = async {
        let batch = find(&state, &caller, &id).await?;
        batch.cancel(&state, &caller).await
    };
    let batch = canceled.await.map_err(Refused::by(Dialect::Anthropic))?;
    let answer = Json(object(&batch, &base(&state, &headers)?));
    Ok(Changed(Change::new("batch.cancel", &batch.row.tenant).of(id), answer))
}

/// Returns the results of a batch that has ended, one on each line, in the order of its requests.
pub async fn results(State(state): State<ApiState>, caller: Caller, Path(id): Path<String>) -> Answer {
    let batch = find(&state, &caller, &id).await.map_err(Refused::by(Dialect::Anthropic))?;
    if !batch.phase().is_over() {
        let words = "the batch has not ended: it has results when its processing_status is `ended`";
        return Err(Refused { dialect: Dialect::Anthropic, refusal: Refusal::new(400, words) });
    }
    let lines = result_lines(state, batch).map_err(std::io::Error::other);
    let response = ([(header::CONTENT_TYPE, "application/x-jsonl")], RawBody::from_stream(lines));
    Ok(response.into_response())
}

fn result_lines(state: ApiState, batch: OpenBatch) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
    let store = state.store;
    results::ended(store.clone(), batch.clone()).and_then(move |ended| {
        let (store, batch) = (store.clone(), batch.clone());
        async move {
            let line = ended.body.text(&*store).await?;
            let custom_id = results::custom_id(&line).unwrap_or_default();
            let text = match results::ending(&batch, &line, ended.result) {
                results::Ending::Answered(reply) => {
                    message_batch::result_line(&custom_id, message_batch::Ending::Succeeded(&reply))
                }
                results::Ending::Failed(refusal) => {
                    message_batch::result_line(&custom_id, message_batch::Ending::Errored(&refusal))
                }
                results::Ending::Canceled => {
                    message_batch::result_line(&custom_id, message_batch::Ending::Canceled)
                }
                results::Ending::Expired => {
                    message_batch::result_line(&custom_id, message_batch::Ending::Expired)
                }
            };
            Ok(Bytes::from(text + "\n"))
        }
    })
}

/// Stores the requests, and makes a batch of them. Unlike a file, requests with a fault are refused at once, and nothing is
/// stored.
async fn submit(
    state: &ApiState,
    caller: &Caller,
    headers: &HeaderMap,
    body: RawBody,
) -> Result<Submitted, Refusal> {
    let repetition = Repetition::of(headers, None)?;
    let found = Found::shared();
    let lines = lines(body.into_data_stream(), state.line_max_bytes, &found);
    let new = form::new_dataset(state, caller, NAME.to_owned());
    let dataset = state.store.create_dataset(new, lines).await.map_err(|error| match error {
        StoreError::Conflict(_) => Refusal::invalid("requests", "`requests` is empty"),
        StoreError::BadLine { line, reason } => {
            Refusal::invalid(place(line), format!("request {line}: {reason}"))
        }
        error => from_store(error),
    })?;
    let dataset_id = dataset.id;
    let version_hash = dataset.version_hash.clone();
    let summary = Found::summary(&found);
    let file = FileRow { hidden: true, ..form::file_row(caller, dataset, &summary) };
    let made = make(state, caller, &file, version_hash, repetition).await;
    if !made.as_ref().is_ok_and(|made| made.is_new) {
        form::discard(state, dataset_id).await;
    }
    made
}

async fn make(
    state: &ApiState,
    caller: &Caller,
    file: &FileRow,
    version_hash: String,
    repetition: Repetition,
) -> Result<Submitted, Refusal> {
    check(&file.lines)?;
    let asked = asked(repetition);
    let row = submission::new_row(state, caller, file, version_hash, BatchProtocol::Anthropic, &asked);
    if asked.repetition == Repetition::Retry
        && let Some(batch) = submission::earlier(state, caller, &row, None).await?
    {
        return Ok(Submitted { batch, is_new: false });
    }
    let run = submission::run(state, caller, &row).await?;
    state.store.create_file(file).await.map_err(from_store)?;
    submission::create(state, caller, row, Some(run)).await
}

/// Refuses requests of which one has a fault.
fn check(lines: &FileLines) -> Result<(), Refusal> {
    match lines.faults.first() {
        None => Ok(()),
        Some(fault) => {
            let param = fault.line.map(place).unwrap_or_default();
            Err(Refusal::invalid(param.clone(), format!("{param}: {}", fault.message)))
        }
    }
}

/// Returns the place of a request in the body, by its number from 1.
fn place(number: u64) -> String {
    format!("requests.{}", number.saturating_sub(1))
}

/// Returns the terms of a batch of messages, which are the same for all.
fn asked(repetition: Repetition) -> Asked {
    Asked {
        // The requests came in the body.
        input_file_id: String::new(),
        endpoint: Endpoint::Messages,
        completion_window: "24h".to_owned(),
        window: WINDOW,
        metadata: None,
        repetition,
    }
}

/// Reads the requests of a body, each as it is written.
fn lines<'a, E: std::fmt::Display + 'a>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'a,
    line_max_bytes: usize,
    found: &SharedFound,
) -> Lines<'a> {
    let start = (Entries::new(body, line_max_bytes), found.clone());
    stream::try_unfold(start, async |(mut entries, found)| {
        let Some(entry) = entries.next().await? else { return Ok(None) };
        let item = one(&found, Envelope::Params, entries.count(), &entry)?;
        Ok(Some((item, (entries, found))))
    })
    .boxed()
}

/// Returns the URL below which the client finds the results.
fn base(state: &ApiState, headers: &HeaderMap) -> Result<String, Refused> {
    state.public_url.front_door(headers).map_err(from_api).map_err(Refused::by(Dialect::Anthropic))
}

fn parse(id: &str) -> Result<RunId, Refusal> {
    ids::parse_batch(PREFIX, id).ok_or_else(|| not_found(id))
}

async fn find(state: &ApiState, caller: &Caller, id: &str) -> Result<OpenBatch, Refusal> {
    let found = OpenBatch::find(&*state.store, caller, parse(id)?).await.map_err(from_store)?;
    found.filter(|batch| batch.row.protocol == BatchProtocol::Anthropic).ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> Refusal {
    let shown: String = id.chars().take(100).collect();
    Refusal::new(404, format!("there is no batch of messages `{shown}`"))
}
