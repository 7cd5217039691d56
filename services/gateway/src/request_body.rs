//! The body of a request, read within a time and a length.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

/// Time that a request's body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_mins(1);

/// Reason why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is longer than {bytes_max} bytes")]
    TooLong { bytes_max: usize },
    #[error("the body did not arrive in time")]
    Incomplete,
}

pub(crate) async fn read(body: Incoming, bytes_max: usize) -> Result<Bytes, BodyError> {
    match timeout(BODY_TIME_MAX, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLong { bytes_max }),
        Ok(Err(_)) | Err(_) => Err(BodyError::Incomplete),
    }
}
