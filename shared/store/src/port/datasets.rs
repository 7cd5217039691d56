use std::collections::HashMap;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use runmill_proto::{DatasetId, Tenant, api::Dataset, message::JobItem};

use crate::StoreError;

/// A checked line of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredItem {
    pub item_id: String,
    /// The item as JSON, as it was uploaded.
    pub body: String,
}

/// Checked lines in order. A line that is not an item is a [`StoreError::BadLine`], which ends the upload.
pub type Lines<'a> = BoxStream<'a, Result<StoredItem, StoreError>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDataset {
    pub id: DatasetId,
    pub tenant: Tenant,
    pub name: String,
    pub created_at: Timestamp,
}

/// Reads datasets without their items.
#[async_trait]
pub trait DatasetReader: Send + Sync {
    async fn dataset(&self, id: DatasetId) -> Result<Dataset, StoreError>;

    /// Returns the oldest dataset of the tenant with this content.
    async fn dataset_by_hash(
        &self,
        tenant: &Tenant,
        version_hash: &str,
    ) -> Result<Option<Dataset>, StoreError>;

    /// Returns at most `limit` datasets of the tenant, or of all, in the order of their ids, beginning after `after`.
    async fn datasets(
        &self,
        tenant: Option<&Tenant>,
        after: Option<DatasetId>,
        limit: u32,
    ) -> Result<Vec<Dataset>, StoreError>;
}

/// Reads the items of datasets, in order.
#[async_trait]
pub trait ItemReader: Send + Sync {
    /// Returns the items at ordinals `from` and up, at most `limit`.
    async fn items(&self, id: DatasetId, from: u32, limit: u32) -> Result<Vec<StoredItem>, StoreError>;

    /// Returns the items at these ordinals that the dataset has, in any order.
    async fn items_at(&self, id: DatasetId, ordinals: &[u32])
    -> Result<HashMap<u32, StoredItem>, StoreError>;

    /// Returns the items at ordinals `from` and up as they are sent in jobs, at most `limit`. An item above [`JobItem::INLINE_MAX_BYTES`] is a reference,
    /// so that the size of the answer is bounded.
    async fn job_items(&self, id: DatasetId, from: u32, limit: u32) -> Result<Vec<JobItem>, StoreError>;
}

#[async_trait]
pub trait DatasetWriter: Send + Sync {
    /// Stores all of `lines`, or nothing, in constant memory. An id that occurs twice is a [`StoreError::BadLine`]
    /// with its line; a dataset without lines is a [`StoreError::Conflict`].
    ///
    /// The version hash is the SHA-256 over each line's body followed by a newline.
    async fn create_dataset(&self, new: NewDataset, lines: Lines<'_>) -> Result<Dataset, StoreError>;
}
