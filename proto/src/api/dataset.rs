use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DatasetId, Item};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dataset {
    pub id: DatasetId,
    pub name: String,
    /// SHA-256 over the lines, in hex: equal content, equal hash.
    pub version_hash: String,
    pub item_count: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetItem {
    /// The place in the dataset, from 0.
    pub ordinal: u32,
    #[serde(flatten)]
    pub item: Item,
}
