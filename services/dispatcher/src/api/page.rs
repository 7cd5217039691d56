use std::str::FromStr;

use runmill_proto::api::{Page, PageQuery};

use super::{extract::query_number, problem::ApiError};

const DEFAULT: u32 = 100;

/// Checked [`PageQuery`] with a cursor of type `C`.
pub struct PageRequest<C> {
    pub limit: u32,
    pub after: Option<C>,
}

/// Error for a text that is no cursor of a list.
#[derive(Debug, thiserror::Error)]
#[error("this is not a cursor of the list; use the `next` of the previous page")]
pub struct InvalidCursor;

impl<C: FromStr> TryFrom<PageQuery> for PageRequest<C> {
    type Error = ApiError;

    fn try_from(query: PageQuery) -> Result<Self, ApiError> {
        let limit = query_number("limit", query.limit.as_deref(), PageQuery::LIMIT)?.unwrap_or(DEFAULT);
        let after = query.after.map(|text| text.parse::<C>().map_err(|_| InvalidCursor)).transpose();
        let after = after.map_err(|error| {
            ApiError::bad_request(format!("the query parameter `after` is invalid: {error}"))
        })?;
        Ok(Self { limit, after })
    }
}

impl<C: std::fmt::Display> PageRequest<C> {
    /// Makes a page of `rows`. A full page has the cursor of the next one.
    pub fn page<R, T>(&self, rows: Vec<R>, cursor: impl Fn(&R) -> C, view: impl Fn(R) -> T) -> Page<T> {
        let full = rows.len() >= self.limit as usize;
        let next = rows.last().filter(|_| full).map(|last| cursor(last).to_string());
        Page { items: rows.into_iter().map(view).collect(), next }
    }
}
