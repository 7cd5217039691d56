//! OpenAI's files: `/v1/files`.

use std::sync::Arc;

use axum::{
    Json,
    body::Body as RawBody,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use runmill_front_door::{Dialect, Refusal};
use runmill_proto::Tenant;
use runmill_store::{DispatcherStore, FileRow, ResultFile, StoreError};
use serde_json::{Value, json};

use super::{
    batches::{OpenBatch, results},
    bodies,
    extract::{Path, Query},
    ids::FileId,
    list::{ListQuery, cut, openai_list},
    refused::{Refused, from_store},
    uploads::{form, not_found, visible},
};
use crate::{
    api::{ApiState, Change, Changed},
    caller::Caller,
};

/// Largest page of the list.
const LIST_MAX: u32 = 1_000;

type Answer = Result<Response, Refused>;

/// Uploads a file of requests.
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    body: RawBody,
) -> Result<Changed<Json<Value>>, Refused> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let body = body.into_data_stream();
    let file = form::store(&state, &caller, content_type.unwrap_or_default(), body).await;
    let file = file.map_err(Refused::by(Dialect::OpenAi))?;
    let FileRow { dataset_id, lines, .. } = &file;
    tracing::info!(event = "file.created", %dataset_id, lines = lines.count, faulty = lines.faulty);
    let change =
        Change::new("file.create", &file.tenant).of(FileId::Uploaded(*dataset_id)).detail(file.name.clone());
    Ok(Changed(change, Json(object(&file))))
}

/// Lists the files that were uploaded, newest first.
pub async fn list(State(state): State<ApiState>, caller: Caller, Query(query): Query<ListQuery>) -> Answer {
    answer(async {
        let limit = query.limit(LIST_MAX)?;
        let after = match query.after.as_deref().map(FileId::parse) {
            None => None,
            Some(Some(FileId::Uploaded(id))) => Some(id),
            Some(_) => return Err(Refusal::invalid("after", "`after` is no id of an uploaded file")),
        };
        if query.purpose.as_deref().is_some_and(|purpose| purpose != form::PURPOSE) {
            return Ok(Json(openai_list(&[], false)).into_response());
        }
        let tenant = caller.tenant.as_ref();
        let rows = state.store.files(tenant, after, limit + 1).await.map_err(from_store)?;
        let (rows, has_more) = cut(rows, limit);
        Ok(Json(openai_list(&rows.iter().map(object).collect::<Vec<_>>(), has_more)).into_response())
    })
    .await
}

/// Returns a file that was uploaded, or one of a batch.
pub async fn get(State(state): State<ApiState>, caller: Caller, Path(id): Path<String>) -> Answer {
    answer(Box::pin(async {
        match find(&state, &caller, &id).await? {
            FoundFile::Uploaded(file) => Ok(Json(object(&file)).into_response()),
            FoundFile::OfBatch(batch, file) => {
                let lines = results::lines(state.store.clone(), &batch, file);
                let bytes = lines.try_fold(0, async |sum, line| Ok(sum + line.len() as u64)).await;
                let bytes = bytes.map_err(from_store)?;
                Ok(Json(object_of_batch(&batch, file, bytes)).into_response())
            }
        }
    }))
    .await
}

/// Returns the lines of a file. Those of a batch's file are written while they are sent.
pub async fn content(State(state): State<ApiState>, caller: Caller, Path(id): Path<String>) -> Answer {
    answer(async {
        match find(&state, &caller, &id).await? {
            FoundFile::Uploaded(file) => Ok(body(uploaded(state.store, *file))),
            FoundFile::OfBatch(batch, file) => {
                Ok(body(results::lines(state.store, &batch, file).map_ok(Bytes::from)))
            }
        }
    })
    .await
}

/// Deletes a file. What a batch needs of it stays until the batch goes.
pub async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Changed<Json<Value>>, Refused> {
    let deleted: Result<_, Refusal> = async {
        let (tenant, hidden) = match find(&state, &caller, &id).await? {
            FoundFile::Uploaded(file) => (file.tenant, state.store.hide_file(file.dataset_id).await),
            FoundFile::OfBatch(batch, file) => {
                (batch.row.tenant, state.store.hide_results(batch.row.id, file).await)
            }
        };
        hidden.map_err(from_store)?;
        Ok(tenant)
    }
    .await;
    let tenant: Tenant = deleted.map_err(Refused::by(Dialect::OpenAi))?;
    tracing::info!(event = "file.deleted", file_id = id);
    let gone = json!({"id": id, "object": "file", "deleted": true});
    Ok(Changed(Change::new("file.delete", &tenant).of(id), Json(gone)))
}

enum FoundFile {
    Uploaded(Box<FileRow>),
    OfBatch(Box<OpenBatch>, ResultFile),
}

/// Returns a file that the token may see.
async fn find(state: &ApiState, caller: &Caller, text: &str) -> Result<FoundFile, Refusal> {
    let store = &*state.store;
    let found = match FileId::parse(text) {
        Some(FileId::Uploaded(id)) => {
            visible(store, caller, id).await?.map(|file| FoundFile::Uploaded(Box::new(file)))
        }
        Some(FileId::OfBatch(id, file)) => {
            let batch = OpenBatch::find(store, caller, id).await.map_err(from_store)?;
            let batch = batch.filter(|batch| batch.has(file));
            batch.map(|batch| FoundFile::OfBatch(Box::new(batch), file))
        }
        None => None,
    };
    found.ok_or_else(|| not_found(text))
}

async fn answer(made: impl Future<Output = Result<Response, Refusal>>) -> Answer {
    made.await.map_err(Refused::by(Dialect::OpenAi))
}

fn object(file: &FileRow) -> Value {
    json!({
        "id": FileId::Uploaded(file.dataset_id).to_string(),
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at.as_second(),
        "expires_at": null,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": null,
    })
}

fn object_of_batch(batch: &OpenBatch, file: ResultFile, bytes: u64) -> Value {
    let id = FileId::OfBatch(batch.row.id, file).to_string();
    json!({
        "filename": format!("{id}.jsonl"),
        "id": id,
        "object": "file",
        "bytes": bytes,
        "created_at": batch.ended_at().unwrap_or(batch.row.created_at).as_second(),
        "expires_at": null,
        "purpose": "batch_output",
        "status": "processed",
        "status_details": null,
    })
}

/// Streams the lines of an uploaded file as they came.
fn uploaded(store: Arc<dyn DispatcherStore>, file: FileRow) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::try_unfold(0, move |from| {
        let (store, file) = (store.clone(), file.clone());
        async move {
            let page = bodies::page(&*store, file.dataset_id, from).await?;
            if page.is_empty() {
                return Ok::<_, StoreError>(None);
            }
            let next = from + u32::try_from(page.len()).unwrap_or(bodies::PAGE);
            let mut text = String::new();
            for body in page {
                text.push_str(&body.text(&*store).await?);
                text.push('\n');
            }
            if file.lines.unterminated && u64::from(next) == file.lines.count {
                text.pop();
            }
            Ok(Some((Bytes::from(text), next)))
        }
    })
}

/// Makes a response of a file's content. An error ends the body early, so that the client's HTTP library reports it.
fn body(lines: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static) -> Response {
    let chunks = lines.map(|chunk| chunk.map_err(std::io::Error::other));
    ([(header::CONTENT_TYPE, "application/octet-stream")], RawBody::from_stream(chunks)).into_response()
}
