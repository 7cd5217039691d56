//! Writes buffered replies. Every field of a protocol is always there, because some clients take a missing one for an
//! empty answer.

pub(crate) mod block;
pub(crate) mod chat;
pub(crate) mod completions;
mod head;
pub(crate) mod logprobs;
pub(crate) mod messages;
mod options;
pub(crate) mod responses;
#[cfg(test)]
mod tests;
pub(crate) mod usage;

use runmill_proto::chat::ModelAnswer;
use serde_json::Value;

use crate::Endpoint;

pub use head::ReplyHead;
pub use options::ReplyOptions;

/// Returns the body of a buffered reply with one choice for each answer, of which there is at least one. The endpoints
/// that have no choices write the first one.
pub fn write(options: &ReplyOptions, head: &ReplyHead, answers: &[ModelAnswer]) -> Value {
    debug_assert!(!answers.is_empty(), "a reply without an answer would be read as an empty one");
    match (options.endpoint, answers) {
        (Endpoint::Completions, _) => completions::write(options, head, answers),
        (Endpoint::Responses, [answer, ..]) => responses::write(options, head, answer),
        (Endpoint::Messages, [answer, ..]) => messages::write(options, head, answer),
        // A reply without a choice is an error to every client.
        (Endpoint::ChatCompletions | Endpoint::Responses | Endpoint::Messages, _) => {
            chat::write(options, head, answers)
        }
    }
}
