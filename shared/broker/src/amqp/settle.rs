use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use lapin::{
    Acker,
    message::Delivery as RawDelivery,
    options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions},
    types::ShortString,
};
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

use super::{
    hand::{Hand, Place, Taken},
    publisher::Publisher,
    topology::Topology,
    wire,
};
use crate::{BrokerError, Delivery, Envelope, PublishError, Settle};

/// Back to the queue.
pub(super) const HAND_BACK: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

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
    lost: CancellationToken,
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

    pub fn delivery(self: &Arc<Self>, taken: Taken) -> Delivery {
        let Taken { mut delivery, place, lost } = taken;
        let acker = delivery.acker.clone();
        let reply = ReplyTo::of(&delivery);
        let settle = AmqpSettle { desk: self.clone(), place, acker, lost, reply };
        let count = wire::delivery_count(&delivery);
        Delivery::new(wire::envelope(&mut delivery), count, Box::new(settle))
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
            self.tell(self.acker.ack(BasicAckOptions { multiple: true })).await;
        }
    }

    /// A channel that was lost meanwhile delivers again by itself. lapin may never answer for it.
    async fn tell(&self, told: impl Future<Output = lapin::Result<bool>>) {
        if let Some(Err(error)) = self.lost.run_until_cancelled(told).await {
            tracing::debug!(%error, "settled on a channel that is lost");
        }
    }
}

#[async_trait]
impl Settle for AmqpSettle {
    async fn ack(&self) -> Result<(), BrokerError> {
        let _begun = self.desk.order.read().await;
        if self.desk.hand.take(self.place) {
            self.tell(self.acker.ack(BasicAckOptions::default())).await;
        }
        Ok(())
    }

    /// `basic.nack`, which `RabbitMQ` 4.3 no longer counts.
    async fn hand_back(&self) -> Result<(), BrokerError> {
        let _begun = self.desk.order.read().await;
        if self.desk.hand.take(self.place) {
            self.tell(self.acker.nack(HAND_BACK)).await;
        }
        Ok(())
    }

    /// `basic.reject`, which every version counts.
    async fn reject(&self) -> Result<(), BrokerError> {
        let _begun = self.desk.order.read().await;
        if self.desk.hand.take(self.place) {
            self.tell(self.acker.reject(BasicRejectOptions { requeue: true })).await;
        }
        Ok(())
    }

    /// The copy first, then the ack: a crash in between leaves two, never none. Without a copy it is rejected, so that
    /// it comes again.
    async fn dead_letter(&self, message: &Envelope, reason: &str) -> Result<(), BrokerError> {
        let properties = wire::dead_properties(message, reason);
        let route = self.desk.topology.dead();
        match self.desk.publisher.publish(route, properties, message.body.clone()).await {
            Ok(()) => self.ack().await,
            Err(error) => {
                self.reject().await?;
                Err(PublishError::of_dead_letter(error))
            }
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
