//! Extractors of axum whose rejections are problem details.

use axum::extract::{FromRequest, FromRequestParts};
use runmill_proto::{Numeric, Range};

use super::problem::ApiError;

/// JSON body of at most the size that the router allows.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub struct Body<T>(pub T);

/// Fields of a form of at most the size that the router allows.
#[derive(FromRequest)]
#[from_request(via(axum::Form), rejection(ApiError))]
pub struct Form<T>(pub T);

#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub struct Path<T>(pub T);

#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub struct Query<T>(pub T);

/// Reads a number of the query, if there is one.
pub fn query_number<T: Numeric>(
    name: &str,
    text: Option<&str>,
    range: Range<T>,
) -> Result<Option<T>, ApiError> {
    let number = text.map(|text| range.parse(text)).transpose();
    number.map_err(|fault| ApiError::bad_request(format!("{name} {fault}")))
}
