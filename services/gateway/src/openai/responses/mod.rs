mod events;
mod item;
mod request;
mod response;

use hyper::HeaderMap;
use jiff::Timestamp;

use self::{events::ResponseEvents, request::ResponsesRequest, response::Response};
use super::{error, limit_headers};
use crate::{
    limit::Standing,
    protocol::{Answer, ErrorResponse, Events, Fault, ModelRequest, Protocol},
};

/// The protocol of `POST /v1/responses`.
#[derive(Debug)]
pub(crate) struct Responses;

impl Protocol for Responses {
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<ModelRequest<'a>, Fault> {
        serde_json::from_slice::<ResponsesRequest<'a>>(body)?.into_model_request()
    }

    fn whole(&self, answer: &Answer<'_>) -> Vec<u8> {
        serde_json::to_vec(&Response::ended(answer)).expect("plain data serializes")
    }

    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a {
        ResponseEvents::of(answer)
    }

    fn tell_limits(&self, headers: &mut HeaderMap, standing: &Standing, _: Timestamp) {
        limit_headers::tell(headers, standing);
    }

    fn error_response(&self, fault: &Fault, _: u64) -> ErrorResponse {
        error::error_response(fault)
    }
}
