use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use runmill_pages::assets;

use crate::api::extract::Path;

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Returns a file of the pages. One of another version, which a server of another release has, is not kept.
pub async fn get(Path((version, name)): Path<(String, String)>) -> Response {
    let Some(asset) = assets::find(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let is_current = version == format!("{:016x}", assets::VERSION);
    let kept = if is_current { FOR_EVER } else { "no-cache" };
    ([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, kept)], asset.bytes).into_response()
}
