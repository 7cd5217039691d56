use std::collections::{BTreeMap, BTreeSet};

use lapin::{Acker, message::Delivery};
use tokio_util::sync::CancellationToken;

use super::settlement::Settlement;
use crate::{ChannelId, DeliveryTag};

/// The unacked deliveries of one channel, and those among them that `next` has not returned yet. Numbers are the
/// delivery tags of AMQP, which start again with each channel.
pub(super) struct ChannelDeliveries {
    id: ChannelId,
    /// Token that is cancelled when the channel is lost.
    lost: CancellationToken,
    received: ReceivedNumbers,
    /// Deliveries that `next` has not returned yet, by number.
    buffered: BTreeMap<u64, Delivery>,
    /// Numbers of the deliveries that are being renewed. Later ones are not handed out meanwhile, since an
    /// `ack_through` on one of them would ack a message whose copy is not confirmed yet.
    renewing: BTreeSet<u64>,
    /// All unacked deliveries, the buffered ones included, by number.
    unacked: BTreeMap<u64, UnackedDelivery>,
    /// Number up to which consumers are cancelled.
    cancelled: u32,
    /// Number of the unacked deliveries that came from cancelled consumers.
    leftovers: usize,
    settled: bool,
}

struct UnackedDelivery {
    /// Number of the delivery's consumer.
    consumer: u32,
    acker: Acker,
}

impl ChannelDeliveries {
    pub fn new(lost: CancellationToken) -> Self {
        Self {
            id: ChannelId::unique(),
            lost,
            received: ReceivedNumbers::default(),
            buffered: BTreeMap::new(),
            renewing: BTreeSet::new(),
            unacked: BTreeMap::new(),
            cancelled: 0,
            leftovers: 0,
            settled: false,
        }
    }

    /// Marks the channel as lost, which ends settlements that wait for an answer on it.
    pub fn lose(&self) {
        self.lost.cancel();
    }

    pub fn receive(&mut self, consumer: u32, delivery: Delivery) {
        self.track(consumer, &delivery);
        self.buffered.insert(delivery.delivery_tag, delivery);
    }

    /// Receives a delivery that is renewed instead of being handed out.
    pub fn receive_for_renewal(&mut self, consumer: u32, delivery: &Delivery) -> DeliveryTag {
        self.track(consumer, delivery);
        self.renewing.insert(delivery.delivery_tag);
        DeliveryTag { channel: self.id, number: delivery.delivery_tag }
    }

    /// Hands out a delivery after all, because it could not be renewed.
    pub fn keep(&mut self, tag: DeliveryTag, delivery: Delivery) {
        if tag.channel == self.id && self.renewing.remove(&tag.number) {
            self.buffered.insert(tag.number, delivery);
        }
    }

    fn track(&mut self, consumer: u32, delivery: &Delivery) {
        let number = delivery.delivery_tag;
        self.received.insert(number);
        self.leftovers += usize::from(consumer <= self.cancelled);
        self.unacked.insert(number, UnackedDelivery { consumer, acker: delivery.acker.clone() });
    }

    /// Takes the next delivery out of the buffer, if `prefetch` allows another one.
    pub fn next(&mut self, prefetch: u16) -> Option<(Delivery, DeliveryTag)> {
        if self.handed_out() >= usize::from(prefetch) {
            return None;
        }
        let first = self.buffered.first_entry().filter(|first| {
            self.received.has_all_through(*first.key())
                && self.renewing.first().is_none_or(|renewing| renewing > first.key())
        })?;
        let (number, delivery) = first.remove_entry();
        Some((delivery, DeliveryTag { channel: self.id, number }))
    }

    pub fn remove(&mut self, tag: DeliveryTag) -> Option<Settlement> {
        if tag.channel != self.id {
            return None;
        }
        let acker = self.forget(tag.number)?;
        Some(self.settlement(acker))
    }

    pub fn remove_through(&mut self, tag: DeliveryTag) -> Option<Settlement> {
        let settlement = self.remove(tag)?;
        while let Some((&number, _)) = self.unacked.range(..tag.number).next() {
            self.forget(number);
        }
        Some(settlement)
    }

    /// Removes the buffered deliveries that exceed `prefetch`, in order.
    pub fn take_surplus(&mut self, prefetch: u16) -> Vec<Delivery> {
        let room = usize::from(prefetch).saturating_sub(self.handed_out());
        let Some(first) = self.buffered.keys().nth(room).copied() else { return Vec::new() };
        let surplus = self.buffered.split_off(&first);
        for number in surplus.keys() {
            self.forget(*number);
        }
        surplus.into_values().collect()
    }

    pub fn cancel_through(&mut self, consumer: u32) {
        self.cancelled = consumer;
        self.leftovers = self.unacked.len();
    }

    pub fn unacked(&self) -> usize {
        self.unacked.len()
    }

    pub fn leftovers(&self) -> usize {
        self.leftovers
    }

    pub fn has_settled(&self) -> bool {
        self.settled
    }

    fn handed_out(&self) -> usize {
        self.unacked.len() - self.buffered.len()
    }

    fn forget(&mut self, number: u64) -> Option<Acker> {
        let UnackedDelivery { consumer, acker } = self.unacked.remove(&number)?;
        self.renewing.remove(&number);
        self.leftovers -= usize::from(consumer <= self.cancelled);
        Some(acker)
    }

    fn settlement(&mut self, acker: Acker) -> Settlement {
        self.settled = true;
        Settlement::new(acker, self.lost.clone())
    }
}

/// Numbers of the deliveries that have arrived. With several consumers on a channel, deliveries arrive out of order.
/// If a later one were returned first, `ack_through` on it would ack an earlier one that nobody has seen.
#[derive(Default)]
struct ReceivedNumbers {
    /// Number up to which all have arrived.
    through: u64,
    ahead: BTreeSet<u64>,
}

impl ReceivedNumbers {
    fn insert(&mut self, number: u64) {
        self.ahead.insert(number);
        while self.ahead.remove(&(self.through + 1)) {
            self.through += 1;
        }
    }

    fn has_all_through(&self, number: u64) -> bool {
        number <= self.through
    }
}
