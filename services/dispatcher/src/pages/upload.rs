use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use multer::{Field, Multipart};
use runmill_pages::{DatasetStep, Page};

use super::{Pages, Shown, forms::given, understood, viewer};
use crate::{
    api::{
        ApiError, Changed,
        datasets::{self, CreateQuery},
        extract::Query,
    },
    caller::Caller,
    paced::Paced,
};

/// Number of datasets that can be chosen.
const DATASETS: u32 = 100;
/// Largest size of a field beside the file, in bytes.
const FIELD_BYTES_MAX: usize = 4 * 1024;
/// Largest number of fields before the file.
const FIELDS_MAX: usize = 8;
/// Number of bytes by which a file is understood.
const START_BYTES: usize = 64 * 1024;
/// Largest number of characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// Stores the file of a form as a dataset, and goes on to the run. A file that is refused leads back to the form.
pub async fn create(
    State(pages): State<Pages>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    match store(&pages, &caller, &headers, body).await {
        Ok(changed) => Ok(changed.into_response()),
        Err(error) if error.status().is_client_error() => {
            let status = error.status();
            let faults = error.named_faults();
            let fault =
                faults.iter().map(|(field, fault)| format!("{field} {fault}")).collect::<Vec<_>>().join("; ");
            let page = pages.dataset_step(&caller, Some(fault.trim())).await?;
            Ok((status, Shown(page, viewer(&caller))).into_response())
        }
        Err(error) => Err(error),
    }
}

impl Pages {
    /// Returns the page on which a dataset is chosen. `fault` says why the last upload was refused.
    pub(super) async fn dataset_step(&self, caller: &Caller, fault: Option<&str>) -> Result<Page, ApiError> {
        let mut datasets = self.api.store.datasets(caller.tenant.as_ref(), None, DATASETS).await?;
        datasets.sort_by_key(|dataset| std::cmp::Reverse(dataset.created_at));
        Ok(DatasetStep { viewer: &viewer(caller), datasets: &datasets, fault }.page())
    }
}

async fn store(
    pages: &Pages,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Changed<Redirect>, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(content_type.unwrap_or_default());
    let boundary = boundary.map_err(|_| ApiError::bad_request("the form is not multipart/form-data"))?;
    let mut form = Multipart::new(Paced::new(body.into_data_stream()), boundary);
    let (mut name, mut map) = (None, None);
    for _ in 0..FIELDS_MAX {
        let Some(field) = form.next_field().await.map_err(|error| broken(&error))? else { break };
        match field.name() {
            Some("name") => name = given(Some(&text(field).await?)),
            Some("map") => map = given(Some(&text(field).await?)),
            Some("file") => {
                let name = name.unwrap_or_else(|| file_name(&field));
                return store_file(pages, caller, CreateQuery { name, map }, field).await;
            }
            _ => {}
        }
    }
    Err(ApiError::bad_request("choose a file"))
}

async fn store_file(
    pages: &Pages,
    caller: &Caller,
    query: CreateQuery,
    mut field: Field<'static>,
) -> Result<Changed<Redirect>, ApiError> {
    let mut start = Vec::new();
    while start.iter().map(Bytes::len).sum::<usize>() < START_BYTES {
        let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? else { break };
        start.push(chunk);
    }
    let words = understood::words(start.concat(), query.map.as_deref()).await;
    let body = Body::from_stream(stream::iter(start.into_iter().map(Ok)).chain(field));
    let created = datasets::create(State(pages.api.clone()), caller.clone(), Query(query), body);
    let Changed(change, (_, dataset)) = created.await?;
    let id = dataset.0.id;
    pages.understood.note(id, words);
    Ok(Changed(change, Redirect::to(&format!("/ui/new?dataset={id}"))))
}

async fn text(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        text.extend_from_slice(&chunk);
        if text.len() > FIELD_BYTES_MAX {
            return Err(ApiError::bad_request(format!("a field is longer than {FIELD_BYTES_MAX} bytes")));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Returns the name of a file without its ending, as far as it can be read.
fn file_name(field: &Field<'_>) -> String {
    let given = field.file_name().unwrap_or_default();
    let stem = given.split('.').next().unwrap_or_default();
    let shown = stem.chars().filter(|char| !char.is_control() && *char != '\u{fffd}');
    let name: String = shown.take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "dataset".to_owned() } else { name }
}

fn broken(error: &multer::Error) -> ApiError {
    ApiError::bad_request(format!("the form cannot be read: {error}"))
}
