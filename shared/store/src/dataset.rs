//! Counts and hashes the items of a dataset during its upload, for both implementations.

use ring::digest::{SHA256, digest};
use runmill_proto::{DatasetId, RunId, Tenant, api::Dataset};
use serde_json::json;
use uuid::Builder;

use crate::{DatasetHash, NewDataset, RunRow, StoreError, StoredItem, time::micros};

pub const REPEATED_ID: &str = "its id occurred before in this dataset";

/// Maximum number of items of a dataset: an ordinal has 31 bits.
pub const ITEMS_MAX: u32 = 0x7fff_ffff;

/// Returns the id of the dataset that the interactive runs of a tenant have.
pub fn interactive_dataset_id(tenant: &Tenant) -> DatasetId {
    let hash = digest(&SHA256, format!("interactive calls of {tenant}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    DatasetId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
}

/// Returns the dataset of an interactive run. Every run has a dataset, and every dataset an item: this one is never asked.
pub fn interactive(run: &RunRow) -> Result<(Dataset, StoredItem), StoreError> {
    let body = r#"{"id":"call","type":"freeform","inputs":{"text":"Clients of the front door ask their own questions."}}"#;
    let item = StoredItem { item_id: "call".to_owned(), body: body.to_owned() };
    let mut counted = Counted::default();
    counted.add(&item)?;
    let dataset = counted.finish(NewDataset {
        id: run.submission.dataset_id,
        tenant: run.submission.tenant.clone(),
        name: "interactive calls".to_owned(),
        created_at: run.created_at,
    })?;
    Ok((dataset, item))
}

/// Returns the id of the item that stands for the samples of a run of LightEval.
pub fn stand_in(id: RunId) -> String {
    format!("samples of {id}")
}

/// Returns the dataset of a run of LightEval before its samples come. Every dataset has an item: this one stands for them.
pub fn lighteval(run: &RunRow) -> Result<(Dataset, StoredItem), StoreError> {
    let id = stand_in(run.id);
    let text = "The samples come when LightEval has ended.";
    let body = json!({"id": id, "type": "freeform", "inputs": {"text": text}}).to_string();
    let item = StoredItem { item_id: id, body };
    let mut counted = Counted::default();
    counted.add(&item)?;
    let dataset = counted.finish(NewDataset {
        id: run.submission.dataset_id,
        tenant: run.submission.tenant.clone(),
        name: run.submission.name.clone().unwrap_or_else(|| "LightEval".to_owned()),
        created_at: run.created_at,
    })?;
    Ok((dataset, item))
}

/// Returns the error for the removal of a dataset that runs use.
pub fn in_use(id: DatasetId) -> StoreError {
    StoreError::Conflict(format!("a run uses the dataset {id}: delete its runs first"))
}

/// Number and hash of the items so far.
#[derive(Default)]
pub struct Counted {
    items: u32,
    hash: DatasetHash,
}

impl Counted {
    /// Counts the next item. Returns its ordinal.
    pub fn add(&mut self, item: &StoredItem) -> Result<u32, StoreError> {
        let ordinal = self.items;
        if ordinal == ITEMS_MAX {
            let reason = format!("a dataset has at most {ITEMS_MAX} items");
            return Err(StoreError::BadLine { line: u64::from(ordinal) + 1, reason });
        }
        self.items += 1;
        self.hash.add(&item.body);
        Ok(ordinal)
    }

    pub fn finish(self, new: NewDataset) -> Result<Dataset, StoreError> {
        if self.items == 0 {
            return Err(StoreError::Conflict("the dataset is empty".to_owned()));
        }
        Ok(Dataset {
            id: new.id,
            tenant: new.tenant,
            name: new.name,
            version_hash: self.hash.finish(),
            item_count: u64::from(self.items),
            created_at: micros(new.created_at),
        })
    }
}
