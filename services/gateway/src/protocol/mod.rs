//! Types that all wire protocols share: a request, an answer, the events of a stream, and an error.
//!
//! A protocol reads requests and writes responses. It decides nothing: [`crate::behaviour`] plans a call, and
//! [`crate::serve`] executes the plan.

mod answer;
mod error_response;
mod events;
mod fault;
mod model_request;
mod reading;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use jiff::Timestamp;

use crate::limit::Standing;

pub(crate) use answer::Answer;
pub(crate) use error_response::ErrorResponse;
pub(crate) use events::{Events, push_json, push_string, render};
pub(crate) use fault::Fault;
pub(crate) use model_request::ModelRequest;
pub(crate) use reading::{Format, Named, Text, or_default};

/// A wire protocol, with the parts of one request that are in its path.
pub(crate) trait Protocol {
    /// Reads the body of a request.
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<ModelRequest<'a>, Fault>;

    /// Writes an answer in one piece.
    fn whole(&self, answer: &Answer<'_>) -> Vec<u8>;

    /// Writes an answer as a stream.
    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a;

    /// Writes an error. `number` is the number of the call, from which ids are made.
    fn error_response(&self, fault: &Fault, number: u64) -> ErrorResponse;

    /// Writes the state of the caller's limits into the headers of a response, if the protocol has headers for it.
    fn tell_limits(&self, _headers: &mut HeaderMap, _standing: &Standing, _now: Timestamp) {}

    fn stream_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/event-stream; charset=utf-8")
    }
}
