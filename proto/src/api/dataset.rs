use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DatasetId, Item, Tenant};

/// A stored dataset, without its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dataset {
    pub id: DatasetId,
    /// Tenant to which the dataset belongs.
    #[serde(default)]
    pub tenant: Tenant,
    pub name: String,
    /// SHA-256 of the dataset's lines, in hex. Datasets with equal lines have equal hashes.
    pub version_hash: String,
    pub item_count: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// An item with its place in the dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetItem {
    /// Place in the dataset, counted from 0.
    pub ordinal: u32,
    #[serde(flatten)]
    pub item: Item,
}
