use axum::{
    body::Body,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use serde::Serialize;

use runmill_store::StoreError;

pub const NDJSON: &str = "application/x-ndjson";

/// Returns true if the caller asks for all rows as NDJSON instead of a page.
pub fn is_asked_for(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(NDJSON))
}

/// Streams rows, a page at a time. An error aborts the body, so that the caller's HTTP client reports an incomplete
/// response.
pub fn stream<T: Serialize + Send + 'static>(
    pages: impl Stream<Item = Result<Vec<T>, StoreError>> + Send + 'static,
) -> Response {
    let chunks = pages.map(|page| page.map_err(std::io::Error::other)).and_then(async |rows| lines(&rows));
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(chunks)).into_response()
}

fn lines<T: Serialize>(rows: &[T]) -> std::io::Result<Bytes> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row)?;
        text.push(b'\n');
    }
    Ok(text.into())
}
