use std::sync::Arc;

use lapin::message::Delivery as RawDelivery;
use tokio::sync::RwLock;

use super::{
    publisher::Publisher,
    settle::{AmqpSettle, ReplyTo},
    settlement::Settlement,
    topology::Topology,
    unacked::Unacked,
    wire,
};
use crate::{Delivery, DeliveryTag, Queue};

/// State that a subscription shares with its supervisor and its deliveries.
pub(super) struct Shared {
    pub unacked: Unacked,
    pub publisher: Publisher,
    pub topology: Arc<Topology>,
    pub queue: Queue,
    /// Lock that is held for reading while one delivery is settled, and for writing during a multiple ack. A multiple
    /// ack must not overtake an ack that was begun before it: the broker closes the channel at an ack for a delivery
    /// that it has already forgotten.
    order: RwLock<()>,
}

impl Shared {
    pub fn new(queue: Queue, prefetch: u16, publisher: Publisher, topology: Arc<Topology>) -> Self {
        Self { unacked: Unacked::new(prefetch), publisher, topology, queue, order: RwLock::new(()) }
    }

    pub fn delivery(self: &Arc<Self>, mut raw: RawDelivery, tag: DeliveryTag) -> Delivery {
        let count = wire::delivery_count(&raw);
        let settle = AmqpSettle::new(self.clone(), tag, count, ReplyTo::of(&raw));
        Delivery::new(wire::envelope(&mut raw), count, tag, Box::new(settle))
    }

    /// Settles one delivery by `settle`, unless it is already settled or its channel is lost.
    pub async fn settle(&self, tag: DeliveryTag, settle: impl AsyncFnOnce(Settlement)) {
        let _order = self.order.read().await;
        if let Some(settlement) = self.unacked.remove(tag) {
            settle(settlement).await;
        }
    }

    /// Acks this delivery and all earlier ones, unless it is already settled or its channel is lost.
    pub async fn ack_through(&self, tag: DeliveryTag) {
        let _order = self.order.write().await;
        if let Some(settlement) = self.unacked.remove_through(tag) {
            settlement.ack_multiple().await;
        }
    }
}
