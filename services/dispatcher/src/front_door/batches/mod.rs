//! OpenAI's batches: `/v1/batches`. A batch is a run of the kind `batch`; its input file is the run's dataset.

mod expiry;
mod object;
mod phase;
pub mod results;
pub mod submission;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use runmill_front_door::{Dialect, Refusal};
use runmill_proto::RunId;
use runmill_store::{BatchProtocol, BatchRow, DispatcherStore, ResultFile, RunRow, StoreError, Transition};
use serde_json::Value;

pub use expiry::expire;
pub use phase::{Counts, Phase};

use self::{object::object, submission::Submitted};
use super::{
    extract::{Path, Query},
    ids,
    list::{ListQuery, cut, openai_list},
    refused::{Refused, from_api, from_store},
};
use crate::{
    api::{ApiState, Change, Changed},
    caller::Caller,
};

const PREFIX: &str = "batch_";

/// Largest page of the list.
const LIST_MAX: u32 = 100;

type Answer = Result<Response, Refused>;

/// A batch and its run, as the store has them at the moment.
#[derive(Clone)]
pub struct OpenBatch {
    pub row: BatchRow,
    /// `None` if the lines were refused.
    pub run: Option<RunRow>,
}

impl OpenBatch {
    /// Returns a batch that the token may see.
    pub async fn find(
        store: &dyn DispatcherStore,
        caller: &Caller,
        id: RunId,
    ) -> Result<Option<Self>, StoreError> {
        let row = match store.batch(id).await {
            Ok(row) if caller.sees(&row.tenant) => row,
            Ok(_) | Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A run that is missing was removed since.
        let run = store.run_rows(&[id]).await?.pop();
        Ok(Some(Self { row, run }).filter(|batch| batch.run.is_some() || batch.row.faults.is_some()))
    }

    /// Returns a page of the batches that the token may see, and true if there are more.
    pub async fn page(
        store: &dyn DispatcherStore,
        caller: &Caller,
        protocol: BatchProtocol,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<(Vec<Self>, bool), StoreError> {
        let rows = store.batches(caller.tenant.as_ref(), protocol, after, limit + 1).await?;
        let (rows, has_more) = cut(rows, limit);
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let mut runs = store.run_rows(&ids).await?;
        let batches = rows.into_iter().map(|row| {
            let place = runs.iter().position(|run| run.id == row.id);
            Self { row, run: place.map(|place| runs.swap_remove(place)) }
        });
        Ok((batches.collect(), has_more))
    }

    pub fn phase(&self) -> Phase {
        Phase::of(&self.row, self.run.as_ref())
    }

    pub fn counts(&self) -> Counts {
        Counts::of(&self.row, self.run.as_ref())
    }

    pub fn ended_at(&self) -> Option<Timestamp> {
        phase::ended_at(&self.row, self.run.as_ref())
    }

    /// Returns true if the batch has this file, and no client has deleted it.
    ///
    /// Every batch that is over has one at least. An expired or canceled batch has both, even without a line: some clients
    /// fetch or delete the output without a look at its id.
    pub fn has(&self, file: ResultFile) -> bool {
        let answered = self.counts().answered;
        let (has, hidden) = match (self.phase(), file) {
            (Phase::InProgress | Phase::Expiring | Phase::Canceling, _)
            | (Phase::Refused, ResultFile::Output) => (false, false),
            (Phase::Completed, ResultFile::Output) => (answered > 0, self.row.output_hidden),
            (Phase::Completed, ResultFile::Errors) => (answered < self.row.total, self.row.errors_hidden),
            (_, ResultFile::Output) => (true, self.row.output_hidden),
            (_, ResultFile::Errors) => (true, self.row.errors_hidden),
        };
        has && !hidden
    }

    /// Lets the calls in flight finish and makes no further ones. Does nothing if the batch is over.
    pub async fn cancel(self, state: &ApiState, caller: &Caller) -> Result<Self, Refusal> {
        if self.phase() != Phase::InProgress {
            return Ok(self);
        }
        caller.steered_run(&*state.store, self.row.id).await.map_err(|error| from_api(error.into()))?;
        match state.runs.apply(self.row.id, Transition::CancelGracefully).await {
            Ok(run) => Ok(Self { run: Some(run), ..self }),
            // It has ended meanwhile.
            Err(StoreError::Conflict(_)) => {
                let mut rows = state.store.run_rows(&[self.row.id]).await.map_err(from_store)?;
                Ok(Self { run: rows.pop(), ..self })
            }
            Err(error) => Err(from_store(error)),
        }
    }
}

/// Makes a batch of an uploaded file.
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Json<Value>, axum::extract::rejection::JsonRejection>,
) -> Result<Response, Refused> {
    let created = async {
        let Json(body) = body.map_err(|error| Refusal::new(error.status().as_u16(), error.body_text()))?;
        let asked = submission::Asked::read(&body, &headers)?;
        submission::submit(&state, &caller, asked).await
    };
    let Submitted { batch, is_new } = created.await.map_err(Refused::by(Dialect::OpenAi))?;
    let answer = Json(object(&batch));
    if !is_new {
        return Ok(answer.into_response());
    }
    let change = Change::new("batch.create", &batch.row.tenant).of(ids::batch(PREFIX, batch.row.id));
    Ok(Changed(change, answer).into_response())
}

/// Lists batches, newest first.
pub async fn list(State(state): State<ApiState>, caller: Caller, Query(query): Query<ListQuery>) -> Answer {
    let listed = async {
        let limit = query.limit(LIST_MAX)?;
        let after = query.after.as_deref().map(parse).transpose()?;
        let page = OpenBatch::page(&*state.store, &caller, BatchProtocol::Openai, after, limit).await;
        let (batches, has_more) = page.map_err(from_store)?;
        Ok::<_, Refusal>(
            Json(openai_list(&batches.iter().map(object).collect::<Vec<_>>(), has_more)).into_response(),
        )
    };
    listed.await.map_err(Refused::by(Dialect::OpenAi))
}

pub async fn get(State(state): State<ApiState>, caller: Caller, Path(id): Path<String>) -> Answer {
    let found = find(&state, &caller, &id).await.map_err(Refused::by(Dialect::OpenAi))?;
    Ok(Json(object(&found)).into_response())
}

/// Cancels a batch: its calls in flight finish, and their answers are in the output.
pub async fn cancel(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Changed<Json<Value>>, Refused> {
    let canceled = async {
        let batch = find(&state, &caller, &id).await?;
        batch.cancel(&state, &caller).await
    };
    let batch = canceled.await.map_err(Refused::by(Dialect::OpenAi))?;
    Ok(Changed(Change::new("batch.cancel", &batch.row.tenant).of(id), Json(object(&batch))))
}

fn parse(id: &str) -> Result<RunId, Refusal> {
    ids::parse_batch(PREFIX, id).ok_or_else(|| not_found(id))
}

async fn find(state: &ApiState, caller: &Caller, id: &str) -> Result<OpenBatch, Refusal> {
    let found = OpenBatch::find(&*state.store, caller, parse(id)?).await.map_err(from_store)?;
    found.filter(|batch| batch.row.protocol == BatchProtocol::Openai).ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> Refusal {
    let shown: String = id.chars().take(100).collect();
    Refusal::new(404, format!("No batch found with id '{shown}'."))
}
