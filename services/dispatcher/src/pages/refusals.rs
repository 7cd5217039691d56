//! Errors as pages.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use runmill_pages::refusal;
use runmill_proto::api::Problem;

use super::{Shown, viewer};
use crate::{api::ApiError, caller::Caller};

/// Largest problem that is shown, in bytes.
const PROBLEM_MAX: usize = 256 * 1024;

/// Answers a path that no page has.
pub async fn no_such_page() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "there is no such page")
}

/// Makes a page of each problem that a handler returns.
pub async fn as_pages(caller: Caller, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes() == b"application/problem+json");
    if !is_problem {
        return response;
    }
    let (parts, body) = response.into_parts();
    let read = to_bytes(body, PROBLEM_MAX).await.ok();
    let problem = read.and_then(|bytes| serde_json::from_slice::<Problem>(&bytes).ok());
    let Some(Problem { title, detail, errors, .. }) = problem else { return parts.status.into_response() };
    let faults: Vec<_> = errors.into_iter().map(|error| (error.pointer, error.detail)).collect();
    let page = refusal(parts.status.as_u16(), &title, &detail, &faults);
    (parts.status, Shown(page, viewer(&caller))).into_response()
}
