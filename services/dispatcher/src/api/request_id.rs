use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

const LENGTH_MAX: usize = 128;

/// Gives every request an id, which is in its response and in its log lines. A valid id that the caller sent is kept.
pub async fn tag(request: Request, next: Next) -> Response {
    let id = request.headers().get(&X_REQUEST_ID).filter(|id| is_valid(id)).cloned().unwrap_or_else(mint);
    let text = id.to_str().unwrap_or_default();
    let span = tracing::info_span!("http", request_id = text);
    let is_of_a_model_client = request.uri().path().starts_with("/v1/");
    let mut response = next.run(request).instrument(span).await;
    if is_of_a_model_client {
        // The name that clients of Anthropic read.
        response.headers_mut().insert(REQUEST_ID, id.clone());
    }
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

/// Returns true for visible ASCII of bounded length, which can be logged without escaping.
fn is_valid(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=LENGTH_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

fn mint() -> HeaderValue {
    let text = Uuid::new_v4().simple().to_string();
    HeaderValue::from_str(&text).expect("hex digits are a header value")
}
