use serde::{Deserialize, Serialize};

/// The record of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Number of the call in the order in which calls ended, from 1, without gaps.
    pub seq: u64,
    /// Time at which the head of the request had arrived, in microseconds since 1970.
    pub in_us: i64,
    /// Time at which the last byte was passed to the connection, or at which the gateway noticed that the caller had
    /// hung up.
    pub out_us: i64,
    /// Name of the model in the request; empty if the request could not be read.
    pub model: Box<str>,
    /// `key-` and the first 8 hex digits of the SHA-256 of the API key, or `none`.
    pub key: Box<str>,
    /// The header `X-Client-Request-Id`, shortened to 256 bytes.
    pub client_request_id: Option<Box<str>>,
    pub status: u16,
    /// Tokens of the prompt and of the whole answer; 0 if the call was refused or failed before its answer.
    #[serde(default)]
    pub tokens: u64,
    /// True if the request asked for a stream.
    pub streamed: bool,
}

/// Status of a call that was ended by its caller, or by the stop of the gateway, before its response was complete.
/// nginx logs the same status for it.
pub(super) const STATUS_HUNG_UP: u16 = 499;
