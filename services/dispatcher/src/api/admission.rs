use axum::{
    extract::Request,
    http::{StatusCode, Uri},
    middleware::Next,
    response::Response,
};
use runmill_runtime::http::{HttpLimits, Visitor};

use super::problem::ApiError;

/// Counts the connection of a caller that has signed in, and refuses it if there are too many.
pub async fn admit(request: Request, next: Next) -> Result<Response, ApiError> {
    let has_room = request.extensions().get::<Visitor>().is_none_or(Visitor::sign_in);
    if !has_room {
        let detail = "the server works for as many connections as it may have (RUNMILL_CONNECTIONS_MAX); close one, or try \
                      again in a few seconds";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    Ok(next.run(request).await)
}

/// Returns why the URL of a request is not read, if it is too long.
pub fn too_long(url: &Uri) -> Option<String> {
    const MAX: usize = HttpLimits::URL_MAX;
    let length = url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    (length > MAX).then(|| format!("the path and its query have {length} bytes; at most {MAX} are read"))
}
