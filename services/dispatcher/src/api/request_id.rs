use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LENGTH_MAX: usize = 128;

/// Gives every request an id, the caller's if it sent a fit one; answers with it, and logs under it.
pub async fn tag(request: Request, next: Next) -> Response {
    let id = request.headers().get(&X_REQUEST_ID).filter(|id| is_fit(id)).cloned().unwrap_or_else(mint);
    let text = id.to_str().unwrap_or_default();
    let span = tracing::info_span!("http", request_id = text);
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

/// Visible ASCII, so that it can be logged as it is.
fn is_fit(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=LENGTH_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

fn mint() -> HeaderValue {
    let text = Uuid::new_v4().simple().to_string();
    HeaderValue::from_str(&text).expect("hex digits are a header value")
}
