use serde::{Deserialize, Serialize};

use crate::Range;

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
    /// Maximum number of entries of a page, from 1 to 1000. Default: 100.
    // Kept as the text that was sent, so that the error can name the range.
    #[cfg_attr(feature = "openapi", param(value_type = Option<u32>))]
    pub limit: Option<String>,
    /// Value of `next` in the previous page.
    pub after: Option<String>,
}

impl PageQuery {
    pub const LIMIT: Range<u32> = Range::new(1, 1_000);
}
