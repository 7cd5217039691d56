use bytes::Bytes;
use runmill_proto::codec::{self, DecodeError, Message};
use uuid::Uuid;

/// A message as the broker transports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Id of the message: a UUIDv7, or nil if another program sent the message without an id.
    pub id: Uuid,
    /// Name and version of the message's type, such as `job.v1`.
    pub message_type: String,
    pub body: Bytes,
    /// W3C trace context of the publisher.
    pub traceparent: Option<String>,
    /// Reason why the message is in [`Queue::Dead`](crate::Queue::Dead); absent in other queues. A publish does not send
    /// it.
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
