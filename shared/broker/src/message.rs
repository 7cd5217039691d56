use bytes::Bytes;
use runmill_proto::codec::{self, DecodeError, Message};
use uuid::Uuid;

/// A message as the broker carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// A `UUIDv7`; nil on a message that came from elsewhere without one.
    pub id: Uuid,
    /// Name and version, as `job.v1`.
    pub message_type: String,
    pub body: Bytes,
    /// W3C trace context of who published it.
    pub traceparent: Option<String>,
    /// On a message from [`Queue::Dead`](crate::Queue::Dead): why it is there. Not sent by a publish.
    pub reason: Option<String>,
}

impl Envelope {
    pub fn new<M: Message>(message: &M) -> Self {
        Self {
            id: Uuid::now_v7(),
            message_type: M::TYPE.to_owned(),
            body: codec::encode(message).into(),
            traceparent: None,
            reason: None,
        }
    }

    pub fn decode<M: Message>(&self) -> Result<M, DecodeError> {
        codec::decode(&self.message_type, &self.body)
    }
}
