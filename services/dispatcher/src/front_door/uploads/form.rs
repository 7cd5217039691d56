//! Uploads of files, as multipart forms.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use futures::Stream;
use multer::{Field, Multipart};
use runmill_front_door::Refusal;
use runmill_proto::{DatasetId, api::Dataset};
use runmill_runtime::http::BodyTooSlow;
use runmill_store::{FileRow, NewDataset, StoreError};
use uuid::Uuid;

use super::requests::{Found, lines};
use crate::{
    api::{ApiState, is_too_slow},
    caller::Caller,
    front_door::refused::from_store,
    paced::Paced,
};

/// The only purpose of a file that there is.
pub const PURPOSE: &str = "batch";

/// Largest size of a field beside the file, in bytes.
const FIELD_BYTES_MAX: usize = 1024;
/// Maximum number of parts of a form.
const PARTS_MAX: usize = 16;
/// Maximum number of characters of a file's name.
const NAME_CHARS_MAX: usize = 200;

/// Stores the file of a multipart form. Its fields may have any order.
pub async fn store<E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static>(
    state: &ApiState,
    caller: &Caller,
    content_type: &str,
    body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
) -> Result<FileRow, Refusal> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| {
        Refusal::new(400, "send the file as multipart/form-data, with the fields purpose and file")
    })?;
    let mut form = Multipart::new(Paced::new(body), boundary);
    let (mut purpose, mut file) = (None, None);
    let mut parts = 0;
    let read = loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => break Ok(()),
            Err(error) => break Err(broken(&error)),
        };
        parts += 1;
        if parts > PARTS_MAX {
            break Err(Refusal::new(400, format!("the form has more than {PARTS_MAX} parts")));
        }
        match field.name() {
            Some("file") if file.is_none() => match store_lines(state, caller, field).await {
                Ok(stored) => file = Some(stored),
                Err(refusal) => break Err(refusal),
            },
            Some("purpose") => match text(field).await {
                Ok(text) => purpose = Some(text),
                Err(refusal) => break Err(refusal),
            },
            // Other fields of OpenAI's, such as `expires_after`, have no effect.
            _ => {}
        }
    };
    let checked = read.and_then(|()| check_purpose(purpose.as_deref()));
    let Some(file) = file else {
        checked?;
        return Err(Refusal::invalid("file", "the form has no field `file`"));
    };
    let made = match checked {
        Ok(()) => state.store.create_file(&file).await.map_err(from_store),
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok(()) => Ok(file),
        Err(refusal) => {
            discard(state, file.dataset_id).await;
            Err(refusal)
        }
    }
}

async fn store_lines(state: &ApiState, caller: &Caller, field: Field<'_>) -> Result<FileRow, Refusal> {
    let name = name(field.file_name());
    let found = Found::shared();
    let new = new_dataset(state, caller, name.clone());
    let lines = lines(field, state.line_max_bytes, &found);
    let dataset = state.store.create_dataset(new, lines).await.map_err(|error| match error {
        StoreError::Conflict(_) => Refusal::invalid("file", "the file has no lines"),
        error => from_store(error),
    })?;
    Ok(file_row(caller, dataset, &Found::summary(&found)))
}

pub fn new_dataset(state: &ApiState, caller: &Caller, name: String) -> NewDataset {
    let id = DatasetId::from_uuid(Uuid::now_v7());
    NewDataset { id, tenant: caller.creates_in(), name, created_at: state.clock.now() }
}

/// Returns the row of a file whose lines are stored.
pub fn file_row(
    caller: &Caller,
    dataset: Dataset,
    (lines, bytes): &(runmill_store::FileLines, u64),
) -> FileRow {
    FileRow {
        dataset_id: dataset.id,
        tenant: dataset.tenant,
        token_id: caller.id,
        name: dataset.name,
        purpose: PURPOSE.to_owned(),
        bytes: *bytes,
        lines: lines.clone(),
        created_at: dataset.created_at,
        hidden: false,
    }
}

/// Removes lines that become no file.
pub async fn discard(state: &ApiState, id: DatasetId) {
    if let Err(error) = state.store.remove_dataset(id).await {
        tracing::warn!(event = "file.not_discarded", dataset_id = %id, %error);
    }
}

async fn text(mut field: Field<'_>) -> Result<String, Refusal> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        text.extend_from_slice(&chunk);
        if text.len() > FIELD_BYTES_MAX {
            return Err(Refusal::new(400, format!("a field is longer than {FIELD_BYTES_MAX} bytes")));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn check_purpose(purpose: Option<&str>) -> Result<(), Refusal> {
    match purpose {
        Some(PURPOSE) => Ok(()),
        Some(_) => Err(Refusal::invalid("purpose", "files have the purpose `batch` here, and no other")),
        None => Err(Refusal::invalid("purpose", "the form has no field `purpose`: it must be `batch`")),
    }
}

/// Returns the name of a file without what cannot be shown.
fn name(given: Option<&str>) -> String {
    let shown = given.unwrap_or_default().chars().filter(|char| !char.is_control() && *char != '\u{fffd}');
    let name: String = shown.take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "requests.jsonl".to_owned() } else { name }
}

fn broken(error: &multer::Error) -> Refusal {
    if is_too_slow(error) {
        return Refusal::new(408, BodyTooSlow.to_string());
    }
    Refusal::new(400, format!("the multipart form cannot be read: {error}"))
}
