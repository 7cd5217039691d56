use serde::{Deserialize, Serialize};

/// A page of a list. To get the next page, send `next` as `after`. The last page has no `next`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct PageQuery {
    /// Maximum number of entries, from 1 to 1000. Default: 100.
    pub limit: Option<u32>,
    /// The `next` of the previous page.
    pub after: Option<String>,
}
