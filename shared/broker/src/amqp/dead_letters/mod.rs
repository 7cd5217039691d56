//! Reading, removing and moving dead letters.

mod old_queue;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use lapin::{
    Acker, Channel,
    message::Delivery as RawDelivery,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use uuid::Uuid;

pub(super) use self::old_queue::OldQueue;
use super::{
    link::{Link, Up},
    topology::Topology,
    wire,
};
use crate::{BrokerError, Envelope, Queue};

/// Reads the queue of dead letters from its front. What was read is held until [`DeadLetters::close`], which puts back
/// all that was not removed, in its place: so each is read once, and a look loses nothing. Others may read meanwhile; they
/// then see only what is not held here.
pub struct DeadLetters {
    up: Up,
    channel: Channel,
    topology: Arc<Topology>,
    removed: bool,
}

/// A dead letter that is held by a [`DeadLetters`].
pub struct DeadLetter {
    /// The message with the reason why it became a dead letter.
    pub message: Envelope,
    /// Queue from which it came, if that is known.
    pub origin: Option<Queue>,
    acker: Acker,
}

impl DeadLetters {
    pub(super) async fn open(link: &Link, topology: Arc<Topology>) -> Result<Self, BrokerError> {
        let up = link.up_within(link.answer_timeout()).await?;
        let channel = topology.declare(&up, Queue::Dead).await?;
        Ok(Self { up, channel, topology, removed: false })
    }

    /// Returns the next dead letter, or `None` if all are held.
    pub async fn next(&mut self) -> Result<Option<DeadLetter>, BrokerError> {
        let Some(mut raw) = get(&self.up, &self.channel, self.topology.queue(Queue::Dead)).await? else {
            return Ok(None);
        };
        let origin = wire::origin(&raw).and_then(|name| self.topology.queue_named(&name));
        let message = with_id(wire::envelope(&mut raw));
        Ok(Some(DeadLetter { message, origin, acker: raw.acker }))
    }

    /// Removes a dead letter for good.
    pub async fn remove(&mut self, letter: DeadLetter) -> Result<(), BrokerError> {
        self.removed = true;
        let acked = letter.acker.ack(BasicAckOptions::default());
        self.up.call("the removal of a dead letter", acked).await.map(|_acked| ())
    }

    /// Puts back what was not removed, and returns when the broker has applied the removals.
    pub async fn close(self) -> Result<(), BrokerError> {
        if self.removed {
            flush_acks(&self.up, &self.channel, self.topology.queue(Queue::Dead)).await?;
        }
        self.up.call("the end of a look at dead letters", self.channel.close(200, "done".into())).await
    }
}

/// Gives an id to a message that another program sent without one, so that it can be told from the others. The id is made
/// of the content, so that the next look gives it again.
fn with_id(message: Envelope) -> Envelope {
    if !message.id.is_nil() {
        return message;
    }
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &message.message_type, &message.body[..]).hash(&mut hasher);
        hasher.finish()
    };
    Envelope { id: Uuid::from_u64_pair(half(0), half(1)), ..message }
}

/// Takes the first message of a queue, unacked.
async fn get(up: &Up, channel: &Channel, queue: ShortString) -> Result<Option<RawDelivery>, BrokerError> {
    let got = channel.basic_get(queue, BasicGetOptions::default());
    Ok(up.call("a look at dead letters", got).await?.map(|got| got.delivery))
}

/// Makes sure that the broker has applied all acks of this channel, by the start and the cancel of a consumer:
/// see [`Session::finish`](super::session::Session::finish).
async fn flush_acks(up: &Up, channel: &Channel, queue: ShortString) -> Result<(), BrokerError> {
    let what = "the removal of dead letters";
    let tag = ShortString::from("flush");
    up.call(what, channel.basic_qos(1, BasicQosOptions::default())).await?;
    let consumer =
        channel.basic_consume(queue, tag.clone(), BasicConsumeOptions::default(), FieldTable::default());
    let _consumer = up.call(what, consumer).await?;
    up.call(what, channel.basic_cancel(tag, BasicCancelOptions::default())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_without_an_id_are_told_apart_by_their_content() {
        let message = |body: &'static str| Envelope {
            id: Uuid::nil(),
            message_type: String::new(),
            body: body.into(),
            traceparent: None,
            reason: None,
        };

        let [one, again, other] = ["one", "one", "other"].map(|body| with_id(message(body)).id);

        assert!(one == again && one != other && !one.is_nil());
    }
}
