//! Anthropic's messages protocol.

mod error;
mod events;
mod limit_headers;
mod message;
mod request;

use hyper::HeaderMap;
use jiff::Timestamp;

use self::{events::MessageEvents, message::Message, request::MessagesRequest};
use crate::{
    limit::Standing,
    protocol::{Answer, ErrorResponse, Events, Fault, ModelRequest, Protocol},
};

/// The protocol of `POST /v1/messages`.
#[derive(Debug)]
pub(crate) struct Messages;

impl Protocol for Messages {
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<ModelRequest<'a>, Fault> {
        serde_json::from_slice::<MessagesRequest<'a>>(body)?.into_model_request()
    }

    fn whole(&self, answer: &Answer<'_>) -> Vec<u8> {
        serde_json::to_vec(&Message::ended(answer)).expect("plain data serializes")
    }

    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a {
        MessageEvents::of(answer)
    }

    fn tell_limits(&self, headers: &mut HeaderMap, standing: &Standing, now: Timestamp) {
        limit_headers::tell(headers, standing, now);
    }

    fn error_response(&self, fault: &Fault, number: u64) -> ErrorResponse {
        error::error_response(fault, number)
    }
}
