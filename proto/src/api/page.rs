use serde::{Deserialize, Serialize};

/// A page of a list. `after` of the next request is `next`; no `next`: this is the last page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct PageQuery {
    /// At most this many, from 1 to 1000; default 100.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}
