//! Google's protocol for Gemini models.

mod error;
mod events;
mod path;
mod request;
mod response;

use hyper::header::HeaderValue;

pub(crate) use self::{error::error_response, path::Gemini};
use self::{events::ChunkEvents, path::Delivery, request::GenerateRequest, response::Response};
use crate::protocol::{Answer, ErrorResponse, Events, Fault, ModelRequest, Protocol};

impl Protocol for Gemini {
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<ModelRequest<'a>, Fault> {
        let request: GenerateRequest<'a> = serde_json::from_slice(body)?;
        request.into_model_request(&self.model, self.delivery != Delivery::Whole)
    }

    fn whole(&self, answer: &Answer<'_>) -> Vec<u8> {
        serde_json::to_vec(&Response::whole(answer)).expect("plain data serializes")
    }

    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a {
        ChunkEvents::of(answer, self.delivery == Delivery::Array)
    }

    fn error_response(&self, fault: &Fault, _: u64) -> ErrorResponse {
        error::method_error_response(fault, self)
    }

    fn stream_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.delivery {
            Delivery::Events => "text/event-stream",
            Delivery::Array | Delivery::Whole => "application/json; charset=UTF-8",
        })
    }
}
