use axum::{Json, body::Body as RawBody, extract::State, http::StatusCode};
use futures::StreamExt;
use jiff::Timestamp;
use runmill_datasets::Mapping;
use runmill_proto::{
    DatasetId, Item,
    api::{Dataset, DatasetItem, Page, PageQuery, Problem},
};
use runmill_store::{NewDataset, StoredItem};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    ApiState,
    audit::{Change, Changed},
    dataset_file::Upload,
    extract::{Path, Query},
    lines,
    page::PageRequest,
    problem::ApiError,
};
use crate::{
    caller::Caller,
    error::{UseCaseError, name_fault},
};

/// First character of the stored id of a line that has none of its own. No id of a client has it.
pub const BAD_LINE: char = '\u{1f}';

#[derive(Deserialize, utoipa::IntoParams)]
pub struct CreateQuery {
    /// Name of the dataset, of 1 to 200 characters. It need not be unique.
    #[param(min_length = 1, max_length = 200)]
    pub name: String,
    /// Field of the file that holds each part of an item, as `question=prompt,answer=target`. Without it, items in runmill's
    /// format and the files of known data sets are read.
    pub map: Option<String>,
}

/// Upload a dataset
///
/// The body is NDJSON: one item on each line, any number of lines. Rows with other fields, a JSON list, CSV, TSV and Arrow are read,
/// too, also packed with gzip or zstd; the form is recognised by the bytes. If a line is not a valid item or repeats the id of an earlier
/// line, the error names the line's number, and nothing is stored.
#[utoipa::path(post, path = "/datasets", params(CreateQuery),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 201, body = Dataset), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "The body has no item")))]
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<CreateQuery>,
    body: RawBody,
) -> Result<Changed<(StatusCode, Json<Dataset>)>, ApiError> {
    UseCaseError::if_any(name_fault("/name", &query.name).into_iter().collect())?;
    let new = NewDataset {
        id: DatasetId::from_uuid(Uuid::now_v7()),
        tenant: caller.creates_in(),
        name: query.name,
        created_at: state.clock.now(),
    };
    let map = query.map.as_deref().map(Mapping::parse).transpose();
    let map = map.map_err(|error| ApiError::bad_request(format!("map: {error}")))?;
    let upload = Upload::begin(body.into_data_stream()).await?;
    let lines = if map.is_none() && upload.has_items() {
        lines::items(upload.chunks(), state.line_max_bytes).boxed()
    } else {
        upload.items(map, state.line_max_bytes).await?.boxed()
    };
    let dataset = state.store.create_dataset(new, lines).await?;
    tracing::info!(event = "dataset.created", dataset_id = %dataset.id, items = dataset.item_count);
    let change = Change::new("dataset.create", &dataset.tenant).of(dataset.id).detail(dataset.name.clone());
    Ok(Changed(change, (StatusCode::CREATED, Json(dataset))))
}

#[derive(Deserialize, utoipa::IntoParams)]
pub struct DatasetsQuery {
    /// Return only the oldest dataset of the token's tenant with this `version_hash`.
    version_hash: Option<String>,
    /// Return only datasets that were uploaded before this time and that no run uses.
    #[param(value_type = Option<String>, format = DateTime)]
    unused_before: Option<Timestamp>,
}

/// List datasets
#[utoipa::path(get, path = "/datasets", params(PageQuery, DatasetsQuery),
    responses((status = 200, body = Page<Dataset>)))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
    Query(DatasetsQuery { version_hash, unused_before }): Query<DatasetsQuery>,
) -> Result<Json<Page<Dataset>>, ApiError> {
    let page = PageRequest::<DatasetId>::try_from(query)?;
    if let Some(version_hash) = version_hash {
        let found = state.store.dataset_by_hash(&caller.creates_in(), &version_hash).await?;
        return Ok(Json(Page { items: found.into_iter().collect(), next: None }));
    }
    let tenant = caller.tenant.as_ref();
    let rows = match unused_before {
        Some(before) => state.store.unused_datasets(tenant, before, page.after, page.limit).await?,
        None => state.store.datasets(tenant, page.after, page.limit).await?,
    };
    Ok(Json(page.page(rows, |dataset| dataset.id, |dataset| dataset)))
}

/// Get a dataset
#[utoipa::path(get, path = "/datasets/{id}", params(("id" = DatasetId, Path)),
    responses((status = 200, body = Dataset), (status = 404, body = Problem)))]
pub async fn get(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<DatasetId>,
) -> Result<Json<Dataset>, ApiError> {
    Ok(Json(caller.dataset(&*state.store, id).await?))
}

/// Delete a dataset and its items
///
/// Fails with 409 while a run uses it, also one that has ended.
#[utoipa::path(delete, path = "/datasets/{id}", params(("id" = DatasetId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<DatasetId>,
) -> Result<Changed<StatusCode>, ApiError> {
    let dataset = caller.dataset(&*state.store, id).await?;
    state.store.remove_dataset(id).await?;
    tracing::info!(event = "dataset.deleted", dataset_id = %id);
    Ok(Changed(Change::new("dataset.delete", &dataset.tenant).of(id), StatusCode::NO_CONTENT))
}

/// List the items of a dataset, in order
#[utoipa::path(get, path = "/datasets/{id}/items", params(("id" = DatasetId, Path), PageQuery),
    responses((status = 200, body = Page<DatasetItem>), (status = 404, body = Problem)))]
pub async fn items(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<DatasetId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<DatasetItem>>, ApiError> {
    let page = PageRequest::<u32>::try_from(query)?;
    caller.dataset(&*state.store, id).await?;
    let from = page.after.map_or(0, |last| last.saturating_add(1));
    let stored = state.store.items(id, from, page.limit).await?;
    // Zipped in this order, so that the range is not advanced beyond its end.
    let rows = stored.iter().zip(from..).map(|(row, ordinal)| item(ordinal, row));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.page(rows, |row: &DatasetItem| row.ordinal, |row| row)))
}

fn item(ordinal: u32, stored: &StoredItem) -> Result<DatasetItem, ApiError> {
    match Item::from_json(&stored.body) {
        Ok(item) => Ok(DatasetItem { ordinal, item }),
        Err(error) => {
            let detail = format!("the stored item {ordinal} cannot be read: {error}");
            // A file of a client's requests is stored as it came, with its bad lines.
            let is_bad_line = stored.item_id.starts_with(BAD_LINE);
            let status = if is_bad_line { StatusCode::CONFLICT } else { StatusCode::INTERNAL_SERVER_ERROR };
            Err(ApiError::new(status, detail))
        }
    }
}
