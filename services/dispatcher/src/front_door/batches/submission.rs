//! Makes batches: checks what a client asks for, and creates the run.

#[cfg(test)]
mod tests;

use axum::http::HeaderMap;
use jiff::SignedDuration;
use runmill_front_door::{Endpoint, Refusal};
use runmill_proto::{RunConfig, RunId, RunKind, api::NewRun};
use runmill_store::{
    BatchContent, BatchProtocol, BatchRow, CreatedBatch, DatasetHash, FileRow, LineFault, RunRow,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenBatch;
use crate::{
    api::ApiState,
    caller::Caller,
    front_door::{
        ids::FileId,
        model,
        refused::{from_api, from_model, from_store},
        uploads,
    },
    idempotency_key::IdempotencyKey,
};

/// Number of tries that a client made before, in a header of its own.
const RETRY_COUNT: &str = "x-stainless-retry-count";
/// Name of a request that is carried out once.
const KEY: &str = "idempotency-key";
/// Key of the metadata that asks for one batch for each file, endpoint and metadata.
const ONCE: &str = "runmill_once";

/// Time within which a client repeats a request to which it had no answer.
const RETRIED_WITHIN: SignedDuration = SignedDuration::from_mins(60);

/// Maximum number of fields of the metadata.
const METADATA_MAX: usize = 16;
const METADATA_KEY_CHARS_MAX: usize = 64;
const METADATA_VALUE_CHARS_MAX: usize = 512;

const WINDOW_MIN: SignedDuration = SignedDuration::from_mins(1);
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A batch that a client asks for.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub input_file_id: String,
    pub endpoint: Endpoint,
    pub completion_window: String,
    pub window: SignedDuration,
    pub metadata: Option<Value>,
    pub repetition: Repetition,
}

/// Relation of a request to earlier ones: whether one of them may be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It makes a batch of its own.
    No,
    /// Its client repeats it, and marks it so.
    Retry,
    /// Another one with the same name is the same.
    Named(String),
    /// Another one of a file with the same lines, with the same endpoint, window and metadata, is the same.
    Content,
}

/// A batch, and whether this request made it.
pub struct Submitted {
    pub batch: OpenBatch,
    pub is_new: bool,
}

impl Asked {
    /// Reads a request. Fields that are not known have no effect.
    pub fn read(body: &Value, headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name: &str| {
            let fault = || Refusal::invalid(name, format!("`{name}` must be a string"));
            body.get(name).and_then(Value::as_str).ok_or_else(fault)
        };
        let endpoint = text("endpoint")?;
        let known = Endpoint::ALL.map(Endpoint::path).join(", ");
        let endpoint = Endpoint::of_path(endpoint)
            .ok_or_else(|| Refusal::invalid("endpoint", format!("`endpoint` must be one of {known}")))?;
        let metadata = body.get("metadata").filter(|metadata| !metadata.is_null()).cloned();
        check_metadata(metadata.as_ref())?;
        let completion_window =
            body.get("completion_window").map_or(Ok("24h"), |_| text("completion_window"))?;
        Ok(Self {
            input_file_id: text("input_file_id")?.to_owned(),
            endpoint,
            completion_window: completion_window.to_owned(),
            window: window(completion_window)?,
            repetition: Repetition::of(headers, metadata.as_ref())?,
            metadata,
        })
    }
}

/// Refuses metadata beyond the bounds that OpenAI states, so that a page of batches has a bound.
fn check_metadata(metadata: Option<&Value>) -> Result<(), Refusal> {
    let invalid = |words: String| Err(Refusal::invalid("metadata", words));
    let fields = match metadata {
        None => return Ok(()),
        Some(Value::Object(fields)) => fields,
        Some(_) => return invalid("`metadata` must be an object".to_owned()),
    };
    if fields.len() > METADATA_MAX {
        return invalid(format!("`metadata` has at most {METADATA_MAX} fields"));
    }
    let is_long = |(key, value): (&String, &Value)| {
        let length = value.as_str().map_or_else(|| value.to_string().len(), |text| text.chars().count());
        key.chars().count() > METADATA_KEY_CHARS_MAX || length > METADATA_VALUE_CHARS_MAX
    };
    if fields.iter().any(is_long) {
        return invalid(format!(
            "in `metadata` a name has at most {METADATA_KEY_CHARS_MAX} characters and a value \
             {METADATA_VALUE_CHARS_MAX}"
        ));
    }
    Ok(())
}

impl Repetition {
    pub fn of(headers: &HeaderMap, metadata: Option<&Value>) -> Result<Self, Refusal> {
        if let Some(key) = headers.get(KEY) {
            let key = IdempotencyKey::parse(key.as_bytes());
            let key =
                key.map_err(|error| Refusal::new(400, format!("the header idempotency-key {error}")))?;
            return Ok(Self::Named(key.as_str().to_owned()));
        }
        let once = metadata.and_then(|metadata| metadata.get(ONCE));
        if once.is_some_and(|once| *once == json!("true") || *once == json!(true)) {
            return Ok(Self::Content);
        }
        let tries = headers.get(RETRY_COUNT).and_then(|count| count.to_str().ok()?.parse::<u32>().ok());
        Ok(if tries.is_some_and(|tries| tries > 0) { Self::Retry } else { Self::No })
    }
}

/// Makes the batch, or returns the one that the same request made before.
pub async fn submit(state: &ApiState, caller: &Caller, asked: Asked) -> Result<Submitted, Refusal> {
    let file = match FileId::parse(&asked.input_file_id) {
        Some(FileId::Uploaded(id)) => uploads::visible(&*state.store, caller, id).await?,
        Some(FileId::OfBatch(..)) | None => None,
    };
    let file = file.ok_or_else(|| Refusal {
        param: Some("input_file_id".to_owned()),
        ..uploads::not_found(&asked.input_file_id)
    })?;
    let dataset = state.store.dataset(file.dataset_id).await.map_err(from_store)?;
    let row = new_row(state, caller, &file, dataset.version_hash, BatchProtocol::Openai, &asked);
    if asked.repetition == Repetition::Retry
        && let Some(batch) = earlier(state, caller, &row, Some(row.dataset_id)).await?
    {
        return Ok(Submitted { batch, is_new: false });
    }
    let faults = faults(&file, asked.endpoint);
    if faults.is_empty() {
        let run = run(state, caller, &row).await?;
        return create(state, caller, row, Some(run)).await;
    }
    create(state, caller, BatchRow { faults: Some(faults), ..row }, None).await
}

/// Returns the row of a batch of this file, before anything of it is checked. `protocol` is that of its client.
pub fn new_row(
    state: &ApiState,
    caller: &Caller,
    file: &FileRow,
    version_hash: String,
    protocol: BatchProtocol,
    asked: &Asked,
) -> BatchRow {
    let now = state.clock.now();
    let row = BatchRow {
        id: RunId::from_uuid(Uuid::now_v7()),
        tenant: file.tenant.clone(),
        token_id: caller.id,
        dataset_id: file.dataset_id,
        version_hash,
        protocol,
        endpoint: asked.endpoint.path().to_owned(),
        model: file.lines.model.clone().unwrap_or_default(),
        completion_window: asked.completion_window.clone(),
        metadata: asked.metadata.clone(),
        faults: None,
        total: file.lines.count,
        request_key: None,
        created_at: now,
        expires_at: now.saturating_add(asked.window).unwrap_or(now),
        expired_at: None,
        output_hidden: false,
        errors_hidden: false,
    };
    BatchRow { request_key: request_key(&asked.repetition, &row), ..row }
}

/// Returns the key under which the same request is found again.
fn request_key(repetition: &Repetition, row: &BatchRow) -> Option<String> {
    match repetition {
        Repetition::No | Repetition::Retry => None,
        Repetition::Named(key) => Some(format!("named:{}:{key}", row.protocol.as_str())),
        Repetition::Content => {
            let mut hash = DatasetHash::default();
            for part in [&row.version_hash, &row.endpoint, &row.completion_window] {
                hash.add(part);
            }
            hash.add(&row.metadata.as_ref().map(sorted).unwrap_or_default());
            Some(format!("content:{}:{}", row.protocol.as_str(), hash.finish()))
        }
    }
}

/// Returns the fields of an object in the order of their names.
fn sorted(metadata: &Value) -> String {
    let fields = metadata.as_object().into_iter().flatten();
    json!(fields.collect::<std::collections::BTreeMap<_, _>>()).to_string()
}

/// Returns why the lines of the file are no batch for the endpoint.
fn faults(file: &FileRow, endpoint: Endpoint) -> Vec<LineFault> {
    let lines = &file.lines;
    if lines.faulty > 0 {
        return lines.faults.clone();
    }
    let url = lines.url.as_deref().unwrap_or_default();
    if url == endpoint.path() {
        return Vec::new();
    }
    let message =
        format!("The lines have the URL `{url}`, and the batch the endpoint `{}`.", endpoint.path());
    vec![uploads::fault("invalid_url", message, Some("url"))]
}

/// Returns the newest batch of the same token with this content, if it is not too old to be the one that the client tries
/// again to make.
pub async fn earlier(
    state: &ApiState,
    caller: &Caller,
    row: &BatchRow,
    dataset_id: Option<runmill_proto::DatasetId>,
) -> Result<Option<OpenBatch>, Refusal> {
    let content = BatchContent {
        tenant: row.tenant.clone(),
        token_id: caller.id,
        dataset_id,
        version_hash: row.version_hash.clone(),
        protocol: row.protocol,
        endpoint: row.endpoint.clone(),
    };
    let since = row.created_at.saturating_sub(RETRIED_WITHIN).unwrap_or(row.created_at);
    let found = state.store.newest_batch(&content, since).await.map_err(from_store)?;
    match found {
        Some(row) => OpenBatch::find(&*state.store, caller, row.id).await.map_err(from_store),
        None => Ok(None),
    }
}

/// Returns the run of a batch, which was not created yet.
pub async fn run(state: &ApiState, caller: &Caller, row: &BatchRow) -> Result<RunRow, Refusal> {
    let found = model::resolve(caller, &*state.store, &row.model).await;
    let model::Resolved { provider, model } = found.map_err(from_model)?;
    let new = NewRun {
        name: Some(name(&row.model)),
        provider_id: provider.id,
        model,
        dataset_id: Some(row.dataset_id),
        config: config(),
        priority: None,
        budget: None,
        webhook: None,
    };
    let run = state.submission.checked(caller, new).await;
    let mut run = run.map_err(|error| from_api(error.into()))?;
    run.id = row.id;
    run.submission.kind = RunKind::Batch;
    Ok(run)
}

fn name(model: &str) -> String {
    let shown = model.chars().filter(|char| !char.is_control()).take(100).collect::<String>();
    format!("batch of {shown}")
}

/// Returns the configuration of every batch: answers are not scored and are stored whole, since the output is made of them,
/// and lines that all fail alike do not pause it, since their client wants to read why.
fn config() -> RunConfig {
    let config = json!({"scoring": {"scorer": "none"}, "texts": "all", "retry": {"trial_calls": 0}});
    let Value::Object(config) = config else { return RunConfig::default() };
    RunConfig(config)
}

/// Stores the batch with its run, in one transaction: a process that dies leaves both or neither.
pub async fn create(
    state: &ApiState,
    caller: &Caller,
    row: BatchRow,
    run: Option<RunRow>,
) -> Result<Submitted, Refusal> {
    let created = state.store.create_batch(&row, run.as_ref()).await.map_err(from_store)?;
    match created {
        CreatedBatch::New(row) => {
            tracing::info!(event = "batch.created", run_id = %row.id, lines = row.total, refused = run.is_none());
            state.submission.wake.notify_one();
            Ok(Submitted { batch: OpenBatch { row, run }, is_new: true })
        }
        CreatedBatch::Existing(existing) if !is_same(&existing, &row) => {
            let words = "another batch was made with this idempotency-key: of another file, endpoint, window or metadata";
            Err(Refusal::new(409, words).with_code("idempotency_key_in_use").final_answer())
        }
        CreatedBatch::Existing(row) => {
            let found = OpenBatch::find(&*state.store, caller, row.id).await.map_err(from_store)?;
            let gone = || Refusal::new(400, "the batch of the first request with this name was deleted");
            Ok(Submitted { batch: found.ok_or_else(gone)?, is_new: false })
        }
    }
}

/// Returns true if both batches were asked for by the same request.
fn is_same(one: &BatchRow, other: &BatchRow) -> bool {
    let asked = |row: &BatchRow| {
        let metadata = row.metadata.as_ref().map(sorted);
        (
            row.version_hash.clone(),
            row.protocol,
            row.endpoint.clone(),
            row.completion_window.clone(),
            metadata,
        )
    };
    asked(one) == asked(other)
}

/// Reads a completion window such as `24h`.
fn window(text: &str) -> Result<SignedDuration, Refusal> {
    let unit = text.chars().last();
    let number = unit.and_then(|unit| text.strip_suffix(unit)?.parse::<u32>().ok()).map(i64::from);
    let window = match (number, unit) {
        (Some(number), Some('m')) => Some(SignedDuration::from_mins(number)),
        (Some(number), Some('h')) => Some(SignedDuration::from_hours(number)),
        (Some(number), Some('d')) => Some(SignedDuration::from_hours(number * 24)),
        _ => None,
    };
    window.filter(|window| (WINDOW_MIN..=WINDOW_MAX).contains(window)).ok_or_else(|| {
        let words = "`completion_window` must be a number with m, h or d, from 1m to 30d, such as 24h";
        Refusal::invalid("completion_window", words)
    })
}
