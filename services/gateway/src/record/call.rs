use serde::{Deserialize, Serialize};

/// What is kept of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Counts the calls in the order in which they ended, from 1, without gaps.
    pub seq: u64,
    /// When the head of the request had arrived, in microseconds since 1970.
    pub in_us: i64,
    /// When the last byte was handed to the connection, or the caller was seen to be gone.
    pub out_us: i64,
    /// As asked for; empty if the request could not be read.
    pub model: Box<str>,
    /// `key-` and the first 8 hex digits of the SHA-256 of the API key, or `none`.
    pub key: Box<str>,
    /// The header `X-Client-Request-Id`, shortened to 256 bytes.
    pub client_request_id: Option<Box<str>>,
    pub status: u16,
    /// Whether a stream was asked for.
    pub streamed: bool,
}

/// The status of a call whose caller hung up, or was hung up on by the gateway's stop, as in nginx's logs.
pub(super) const STATUS_HUNG_UP: u16 = 499;
