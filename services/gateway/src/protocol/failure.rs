use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};

use crate::body::Body;

/// A response that is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// From 400 to 599.
    pub status: u16,
    pub json: Vec<u8>,
    /// The header, in seconds.
    pub retry_after: Option<u32>,
}

impl Failure {
    /// `body` makes it a call's, or nobody's.
    pub fn respond(self, body: impl FnOnce(Vec<u8>) -> Body) -> Response<Body> {
        let mut response = Response::new(body(self.json));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("statuses here are 400 to 599");
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
