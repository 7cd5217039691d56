//! Files that clients upload.

pub mod form;
mod line;
pub mod requests;

use runmill_front_door::Refusal;
use runmill_proto::DatasetId;
use runmill_store::{DispatcherStore, FileRow, StoreError};

pub use line::{Envelope, fault, quoted};

use super::refused::from_store;
use crate::caller::Caller;

/// Returns an uploaded file, if the token may see it.
pub async fn visible(
    store: &dyn DispatcherStore,
    caller: &Caller,
    id: DatasetId,
) -> Result<Option<FileRow>, Refusal> {
    match store.file(id).await {
        Ok(file) => Ok(Some(file).filter(|file| !file.hidden && caller.sees(&file.tenant))),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(from_store(error)),
    }
}

pub fn not_found(id: &str) -> Refusal {
    Refusal {
        param: Some("id".to_owned()),
        ..Refusal::new(404, format!("No such File object: {}", quoted(id)))
    }
}
