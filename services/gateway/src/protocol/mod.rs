//! What all wire protocols share: the way of a call from its request to its answer. A protocol reads the request and
//! writes what happens in its own words; what happens is [`crate::behaviour`]'s to say.

mod answer;
mod asked;
mod events;
mod failure;
mod fault;
mod reading;
mod serve;

use hyper::header::HeaderValue;

pub(crate) use answer::Answer;
pub(crate) use asked::Asked;
pub(crate) use events::{Events, push_json, push_string, script};
pub(crate) use failure::Failure;
pub(crate) use fault::Fault;
pub(crate) use reading::{Format, Named, Text, or_default};
pub(crate) use serve::serve;

/// A wire protocol, with what the path of one request says of it.
pub(crate) trait Protocol {
    /// Reads the body of a request.
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<Asked<'a>, Fault>;

    /// Writes an answer in one piece.
    fn whole(&self, answer: &Answer<'_>) -> Vec<u8>;

    /// Writes an answer as a stream.
    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a;

    /// Writes what is said instead of an answer. The number is the call's.
    fn failure(&self, fault: &Fault, number: u64) -> Failure;

    fn stream_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/event-stream; charset=utf-8")
    }
}
