//! Messages as bytes: MessagePack with named fields.
//!
//! Readers skip fields that they do not know, so a newer writer may add one; a field that is added
//! has a default, so an older writer's bytes still decode. Anything else is a new version of the
//! message, with a new name.

use rmp_serde::decode;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::SmokeTestReport,
    message::{Control, Deferred, Invocation, Job, SmokeTest},
};

/// The `content_type` of every message.
pub const CONTENT_TYPE: &str = "application/msgpack";

/// Deepest nesting of a message: enough for any item. A message that nests deeper could exhaust the stack of the
/// reader.
const DEPTH_MAX: usize = 64;

/// A message with its name and version, the `type` that travels beside the bytes.
pub trait Message: Serialize + DeserializeOwned {
    const TYPE: &'static str;
}

impl Message for Job {
    const TYPE: &'static str = "job.v1";
}
impl Message for Invocation {
    const TYPE: &'static str = "invocation.v1";
}
impl Message for Deferred {
    const TYPE: &'static str = "deferred.v1";
}
impl Message for SmokeTest {
    const TYPE: &'static str = "smoke_test.v1";
}
impl Message for SmokeTestReport {
    const TYPE: &'static str = "smoke_test_report.v1";
}
impl Message for Control {
    const TYPE: &'static str = "control.v1";
}

/// Bytes that are not the expected message. The text is the reason that is kept with a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("message type `{found}` is not known here; expected {expected}")]
    UnknownType { found: String, expected: &'static str },
    #[error("the bytes are not a {expected} message: {source}")]
    Malformed { expected: &'static str, source: decode::Error },
}

impl DecodeError {
    /// A message of a type that its reader does not handle. `expected` names those that it does.
    pub fn unknown(message_type: &str, expected: &'static str) -> Self {
        // The name comes from outside, and may have any length.
        Self::UnknownType { found: message_type.chars().take(64).collect(), expected }
    }
}

pub fn encode<M: Message>(message: &M) -> Vec<u8> {
    rmp_serde::to_vec_named(message).expect("our messages have only string keys and known lengths")
}

/// Decodes the message that `message_type` says these bytes are.
pub fn decode<M: Message>(message_type: &str, bytes: &[u8]) -> Result<M, DecodeError> {
    if message_type != M::TYPE {
        return Err(DecodeError::unknown(message_type, M::TYPE));
    }
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    reader.set_max_depth(DEPTH_MAX);
    M::deserialize(&mut reader).map_err(|source| DecodeError::Malformed { expected: M::TYPE, source })
}
