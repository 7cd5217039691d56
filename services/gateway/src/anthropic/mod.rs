//! Anthropic's protocol for messages.

mod error;
mod events;
mod message;
mod request;

use self::{events::MessageEvents, message::Message, request::MessagesRequest};
use crate::protocol::{Answer, Asked, Events, Failure, Fault, Protocol};

/// `POST /v1/messages`.
#[derive(Debug)]
pub(crate) struct Messages;

impl Protocol for Messages {
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<Asked<'a>, Fault> {
        serde_json::from_slice::<MessagesRequest<'a>>(body)?.asked()
    }

    fn whole(&self, answer: &Answer<'_>) -> Vec<u8> {
        serde_json::to_vec(&Message::ended(answer)).expect("plain data serializes")
    }

    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a {
        MessageEvents::of(answer)
    }

    fn failure(&self, fault: &Fault, number: u64) -> Failure {
        error::failure(fault, number)
    }
}
