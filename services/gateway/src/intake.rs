//! What every protocol does first with a request.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::{
    behaviour::NAME_BYTES_MAX,
    caller::Caller,
    record::{Arrival, CallHead, OpenCall},
    server::App,
};

/// How long a request's body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_mins(1);

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("the body is longer than {bytes_max} bytes")]
    TooLong { bytes_max: usize },
    #[error("the body did not arrive in time")]
    Incomplete,
}

/// What a request asks for, as far as it could be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub model: &'a str,
    pub stream: bool,
}

pub(crate) async fn read(body: Incoming, bytes_max: usize) -> Result<Bytes, Unread> {
    match timeout(BODY_TIME_MAX, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLong { bytes_max }),
        Ok(Err(_)) | Err(_) => Err(Unread::Incomplete),
    }
}

/// From here on the call is in flight, and will be on record.
pub(crate) fn begin(app: &App, arrival: Arrival, caller: &Caller, asked: Asked<'_>) -> OpenCall {
    let Asked { model, stream } = asked;
    let head = CallHead {
        model: model[..model.floor_char_boundary(NAME_BYTES_MAX)].into(),
        key: caller.key_label.clone(),
        client_request_id: caller.client_request_id.clone(),
        streamed: stream,
    };
    app.recorder.begin(arrival, head)
}
