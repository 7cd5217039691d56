//! Counts and hashes the items of a dataset during its upload, for both implementations.

use runmill_proto::{DatasetId, api::Dataset};

use crate::{DatasetHash, NewDataset, StoreError, StoredItem, time::micros};

pub const REPEATED_ID: &str = "its id occurred before in this dataset";

/// Maximum number of items of a dataset: an ordinal has 31 bits.
const ITEMS_MAX: u32 = 0x7fff_ffff;

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
