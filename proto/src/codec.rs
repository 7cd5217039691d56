//! Messages as bytes: MessagePack with named fields.
//!
//! Readers skip fields that they do not know, so a newer writer may add one; a field that is added
//! has a default, so an older writer's bytes still decode. Anything else is a new version of the
//! message, with a new name.

use rmp_serde::decode;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::SmokeTestReport,
    message::{
        CallEvent, ClientCall, Control, Deferred, Evaluation, Invocation, Job, ProviderKeyReply,
        ProviderKeyRequest, SmokeTest,
    },
};

/// `content_type` of every message.
pub const CONTENT_TYPE: &str = "application/msgpack";

/// Maximum depth of a message: enough for any item. A deeper message could overflow the reader's stack.
const DEPTH_MAX: usize = 64;

/// A message with its name and version, which are sent as the `type` beside the bytes.
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
impl Message for Evaluation {
    const TYPE: &'static str = "evaluation.v1";
}
impl Message for SmokeTest {
    const TYPE: &'static str = "smoke_test.v1";
}
impl Message for SmokeTestReport {
    const TYPE: &'static str = "smoke_test_report.v1";
}
impl Message for ProviderKeyRequest {
    const TYPE: &'static str = "provider_key.v1";
}
impl Message for ProviderKeyReply {
    const TYPE: &'static str = "provider_key_reply.v1";
}
impl Message for ClientCall {
    const TYPE: &'static str = "call.v1";
}
impl Message for CallEvent {
    const TYPE: &'static str = "call_event.v1";
}
impl Message for Control {
    const TYPE: &'static str = "control.v1";
}

/// Error for bytes that are not the expected message. Its text is stored as the reason of a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("unknown message type `{found}`; expected {expected}")]
    UnknownType { found: String, expected: &'static str },
    #[error("the bytes are not a {expected} message: {source}")]
    Malformed { expected: &'static str, source: decode::Error },
}

impl DecodeError {
    /// Returns the error for a message whose type its reader does not handle. `expected` names the types that it
    /// does.
    pub fn unknown(message_type: &str, expected: &'static str) -> Self {
        // The name comes from another program and may have any length.
        Self::UnknownType { found: message_type.chars().take(64).collect(), expected }
    }
}

pub fn encode<M: Message>(message: &M) -> Vec<u8> {
    rmp_serde::to_vec_named(message).expect("our messages have only string keys and known lengths")
}

/// Decodes a message. Returns an error if `message_type` or the bytes are not those of `M`.
pub fn decode<M: Message>(message_type: &str, bytes: &[u8]) -> Result<M, DecodeError> {
    if message_type != M::TYPE {
        return Err(DecodeError::unknown(message_type, M::TYPE));
    }
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    reader.set_max_depth(DEPTH_MAX);
    M::deserialize(&mut reader).map_err(|source| DecodeError::Malformed { expected: M::TYPE, source })
}
