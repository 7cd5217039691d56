use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use lapin::{
    Acker,
    message::Delivery as RawDelivery,
    options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions},
    types::ShortString,
};
use tokio::sync::RwLock;

use super::{
    hand::{Hand, Place},
    publisher::Publisher,
    topology::Topology,
    wire,
};
use crate::{BrokerError, Delivery, Envelope, PublishError, Settle};

/// What settling needs, whichever delivery it is.
pub(super) struct Desk {
    pub hand: Hand,
    pub publisher: Publisher,
    pub topology: Arc<Topology>,
    /// A multiple ack must not overtake one that was begun before it: the broker closes the channel at an ack
    /// for what it has already forgotten.
    order: RwLock<()>,
}

/// One delivery, as its holder settles it. The hand knows whether it can still be settled: an ack for a lost
/// channel, or a second one, would close the channel that is there now.
pub(super) struct AmqpSettle {
    desk: Arc<Desk>,
    place: Place,
    acker: Acker,
    reply: Option<ReplyTo>,
}

/// Where the answer to a request goes.
#[derive(Clone)]
pub(super) struct ReplyTo {
    pub queue: ShortString,
    pub correlation_id: ShortString,
}

impl Desk {
    pub fn new(publisher: Publisher, topology: Arc<Topology>) -> Self {
        Self { hand: Hand::default(), publisher, topology, order: RwLock::new(()) }
    }

    pub fn delivery(self: &Arc<Self>, place: Place, raw: RawDelivery) -> Delivery {
        let count = wire::delivery_count(&raw);
        let settle =
            AmqpSettle { desk: self.clone(), place, acker: raw.acker.clone(), reply: ReplyTo::of(&raw) };
        Delivery::new(wire::envelope(raw), count, Box::new(settle))
    }
}

impl ReplyTo {
    fn of(raw: &RawDelivery) -> Option<Self> {
        let queue = raw.properties.reply_to().clone()?;
        let correlation_id = raw.properties.correlation_id().clone()?;
        Some(Self { queue, correlation_id })
    }
}

impl AmqpSettle {
    pub fn reply_to(&self) -> Option<&ReplyTo> {
        self.reply.as_ref()
    }

    /// Acks this delivery and all of its channel that were handed out before.
    pub async fn ack_through(&self) {
        let _alone = self.desk.order.write().await;
        if self.desk.hand.take_through(self.place) {
            settled(self.acker.ack(BasicAckOptions { multiple: true }).await);
        }
    }
}

#[async_trait]
impl Settle for AmqpSettle {
    async fn ack(&self) -> Result<(), BrokerError> {
        let _begun = self.desk.order.read().await;
        if self.desk.hand.take(self.place) {
            settled(self.acker.ack(BasicAckOptions::default()).await);
        }
        Ok(())
    }

    /// `basic.nack`, which `RabbitMQ` 4.3 no longer counts.
    async fn hand_back(&self) -> Result<(), BrokerError> {
        let _begun = self.desk.order.read().await;
        if self.desk.hand.take(self.place) {
            hand_back(&self.acker).await;
        }
        Ok(())
    }

    /// `basic.reject`, which every version counts.
    async fn reject(&self) -> Result<(), BrokerError> {
        let _begun = self.desk.order.read().await;
        if self.desk.hand.take(self.place) {
            settled(self.acker.reject(BasicRejectOptions { requeue: true }).await);
        }
        Ok(())
    }

    /// The copy first, then the ack: a crash in between leaves two, never none.
    async fn dead_letter(&self, message: &Envelope, reason: &str) -> Result<(), BrokerError> {
        let properties = wire::dead_properties(message, reason);
        let route = self.desk.topology.dead();
        let published = self.desk.publisher.publish(route, properties, message.body.clone()).await;
        published.map_err(|error| match error {
            PublishError::Broker(error) => error,
            other => BrokerError::Refused { what: "a dead letter".into(), reason: other.to_string() },
        })?;
        self.ack().await
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(super) async fn hand_back(acker: &Acker) {
    settled(acker.nack(BasicNackOptions { multiple: false, requeue: true }).await);
}

/// A channel that was lost meanwhile delivers again by itself.
fn settled(told: lapin::Result<bool>) {
    if let Err(error) = told {
        tracing::debug!(%error, "settled on a channel that is lost");
    }
}
