use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Returns the layer that lets pages of these origins call the API, with the session of their browser. There is none by
/// default: a browser then keeps the answers from pages of other origins.
pub fn layer(origins: Arc<[String]>) -> CorsLayer {
    let is_allowed = move |origin: &HeaderValue, request: &Parts| {
        is_of_the_api(request.uri.path())
            && origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_allowed))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([HeaderName::from_static("x-request-id"), header::RETRY_AFTER])
}

/// Returns false for the paths of our own pages, and of the front door, whose clients are no browsers.
fn is_of_the_api(path: &str) -> bool {
    !["/ui", "/v1"]
        .iter()
        .any(|prefix| path == *prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')))
}
