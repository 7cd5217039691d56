//! Reads requests. Each endpoint has its reader; what they share is in the modules beside them.
//!
//! A parameter that changes the answer and cannot be translated is refused; one that does not is taken, and named in
//! [`Asked::ignored`]. A null value is the same as an absent one.

mod chat;
mod completions;
mod form;
mod image;
mod messages;
mod node;
mod responses;
mod sampling;
mod talk;
#[cfg(test)]
mod tests;
mod tools;

use runmill_proto::{chat::Conversation, depth};
use serde_json::Value;

use self::node::{Ignored, Node};
use crate::{Endpoint, Refusal, ReplyOptions};

/// Maximum depth of nesting of a request's body.
const MAX_DEPTH: usize = 64;

/// A client's request.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Name of the model as the client wrote it. Not empty.
    pub model: String,
    pub conversation: Conversation,
    /// True if the client reads the reply as it arrives.
    pub streams: bool,
    /// Number of answers, from 1 to 128. Each is a call of its own.
    pub n: u32,
    /// Parameters that were taken and have no effect, such as `store` or `messages[].name`, in the order of their
    /// names. At most 64.
    pub ignored: Vec<String>,
    pub reply: ReplyOptions,
}

/// Reads the body of a request. The caller bounds its size.
pub fn read(endpoint: Endpoint, body: &[u8]) -> Result<Asked, Refusal> {
    let body = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(400, format!("The body of the request is not valid JSON: {error}.")))?;
    read_value(endpoint, &body)
}

/// Reads a request's body that is parsed already, as a line of a batch has it.
pub fn read_value(endpoint: Endpoint, body: &Value) -> Result<Asked, Refusal> {
    if depth(body) > MAX_DEPTH {
        let message = format!("The body of the request is nested more than {MAX_DEPTH} levels deep.");
        return Err(Refusal::new(400, message));
    }
    let ignored = Ignored::default();
    let fields = Node::root(body, &ignored).fields()?;
    let asked = match endpoint {
        Endpoint::ChatCompletions => chat::read(fields),
        Endpoint::Completions => completions::read(fields),
        Endpoint::Responses => responses::read(fields),
        Endpoint::Messages => messages::read(fields),
    }?;
    Ok(Asked { ignored: ignored.into_names(), ..asked })
}
