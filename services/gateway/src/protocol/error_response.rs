use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};

use crate::response_body::ResponseBody;

/// An error, as a protocol writes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ErrorResponse {
    /// A status from 400 to 599.
    pub status: u16,
    pub json: Vec<u8>,
    /// Value of the header `retry-after`, in seconds.
    pub retry_after: Option<u32>,
}

impl ErrorResponse {
    /// Makes the HTTP response. `body` makes a body of the JSON, for a recorded call or for none.
    pub fn respond(self, body: impl FnOnce(Vec<u8>) -> ResponseBody) -> Response<ResponseBody> {
        let mut response = Response::new(body(self.json));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("statuses here are 400 to 599");
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
