use std::sync::{Mutex, MutexGuard};

use lapin::message::Delivery;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{channel_deliveries::ChannelDeliveries, settlement::Settlement};
use crate::DeliveryTag;

/// The unacked deliveries of one subscription, which outlives its channels.
pub(super) struct Unacked {
    state: Mutex<State>,
    /// Notified when `next` may have something to return.
    pub ready: Notify,
    /// Notified when a delivery of a cancelled consumer was settled.
    pub leftover_settled: Notify,
}

struct State {
    prefetch: u16,
    received: u64,
    ended: bool,
    channel: ChannelDeliveries,
}

/// The result of [`Unacked::next`].
pub(super) enum Next {
    Delivery(Box<Delivery>, DeliveryTag),
    Nothing,
    Ended,
}

/// Counts of a subscription at one moment.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub prefetch: u16,
    pub unacked: usize,
    /// Number of the unacked deliveries that came from cancelled consumers.
    pub leftovers: usize,
    /// Number of deliveries since the subscription began.
    pub received: u64,
}

impl Unacked {
    pub fn new(prefetch: u16) -> Self {
        let channel = ChannelDeliveries::new(CancellationToken::new());
        let state = State { prefetch, received: 0, ended: false, channel };
        Self { state: Mutex::new(state), ready: Notify::new(), leftover_settled: Notify::new() }
    }

    /// Starts again with a new channel, which is usable until `lost`. Unacked deliveries of the previous channel can
    /// no longer be settled.
    pub fn new_channel(&self, lost: CancellationToken) {
        let mut state = self.lock();
        state.channel.lose();
        state.channel = ChannelDeliveries::new(lost);
    }

    pub fn set_prefetch(&self, prefetch: u16) {
        let mut state = self.lock();
        if !state.ended {
            state.prefetch = prefetch;
        }
        drop(state);
        self.ready.notify_one();
    }

    pub fn receive(&self, consumer: u32, delivery: Delivery) {
        let mut state = self.lock();
        state.received += 1;
        state.channel.receive(consumer, delivery);
        drop(state);
        self.ready.notify_one();
    }

    /// Receives a delivery that is renewed instead of being handed out.
    pub fn receive_for_renewal(&self, consumer: u32, delivery: &Delivery) -> DeliveryTag {
        let mut state = self.lock();
        state.received += 1;
        state.channel.receive_for_renewal(consumer, delivery)
    }

    /// Hands out a delivery after all, because it could not be renewed.
    pub fn keep(&self, tag: DeliveryTag, delivery: Delivery) {
        self.lock().channel.keep(tag, delivery);
        self.ready.notify_one();
    }

    pub fn next(&self) -> Next {
        let state = &mut *self.lock();
        if state.ended {
            return Next::Ended;
        }
        match state.channel.next(state.prefetch) {
            Some((delivery, tag)) => Next::Delivery(Box::new(delivery), tag),
            None => Next::Nothing,
        }
    }

    /// Removes a delivery to settle it. Returns `None` if it is already settled or is not of the current channel.
    pub fn remove(&self, tag: DeliveryTag) -> Option<Settlement> {
        self.settle(|channel| channel.remove(tag))
    }

    /// Removes a delivery and all earlier ones of its channel, to settle them by one multiple ack. Returns `None`,
    /// and removes nothing, if the delivery is already settled or is not of the current channel.
    pub fn remove_through(&self, tag: DeliveryTag) -> Option<Settlement> {
        self.settle(|channel| channel.remove_through(tag))
    }

    fn settle(
        &self,
        remove: impl FnOnce(&mut ChannelDeliveries) -> Option<Settlement>,
    ) -> Option<Settlement> {
        let mut state = self.lock();
        let leftovers = state.channel.leftovers();
        let settlement = remove(&mut state.channel);
        let fewer = state.channel.leftovers() < leftovers;
        drop(state);
        self.ready.notify_one();
        if fewer {
            self.leftover_settled.notify_one();
        }
        settlement
    }

    /// Removes the buffered deliveries that exceed the prefetch, in order, to be requeued.
    pub fn take_surplus(&self) -> Vec<Delivery> {
        let state = &mut *self.lock();
        state.channel.take_surplus(state.prefetch)
    }

    /// Notes that all consumers up to this number are cancelled.
    pub fn cancel_through(&self, consumer: u32) {
        self.lock().channel.cancel_through(consumer);
    }

    /// Ends the subscription: it takes nothing more, and `next` returns no more deliveries.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.prefetch = 0;
        drop(state);
        self.ready.notify_one();
    }

    /// Returns true if any delivery of the current channel was settled.
    pub fn has_settled(&self) -> bool {
        self.lock().channel.has_settled()
    }

    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    pub fn load(&self) -> Load {
        let state = self.lock();
        Load {
            prefetch: state.prefetch,
            unacked: state.channel.unacked(),
            leftovers: state.channel.leftovers(),
            received: state.received,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unacked(prefetch: u16) -> Unacked {
        let unacked = Unacked::new(prefetch);
        unacked.new_channel(CancellationToken::new());
        unacked
    }

    fn receive(unacked: &Unacked, consumer: u32, tags: &[u64]) {
        for tag in tags {
            unacked.receive(consumer, Delivery::mock(*tag, "".into(), "".into(), false, Vec::new()));
        }
    }

    fn next(unacked: &Unacked) -> Option<DeliveryTag> {
        match unacked.next() {
            Next::Delivery(_, tag) => Some(tag),
            Next::Nothing | Next::Ended => None,
        }
    }

    #[test]
    fn deliveries_are_handed_out_in_the_order_of_their_tags() {
        let unacked = unacked(9);
        receive(&unacked, 1, &[1, 3, 4]);
        assert_eq!(next(&unacked).map(|tag| tag.number), Some(1));
        assert_eq!(next(&unacked), None, "2 is on its way");

        receive(&unacked, 2, &[2]);

        let rest = [next(&unacked), next(&unacked), next(&unacked)];
        assert_eq!(rest.map(|tag| tag.unwrap().number), [2, 3, 4]);
    }

    #[test]
    fn nothing_after_a_delivery_that_is_renewed_is_handed_out() {
        let unacked = unacked(9);
        receive(&unacked, 1, &[1]);
        let raw = |tag| Delivery::mock(tag, "".into(), "".into(), false, Vec::new());
        let renewed = unacked.receive_for_renewal(1, &raw(2));
        receive(&unacked, 1, &[3]);
        let failed = unacked.receive_for_renewal(1, &raw(4));
        assert_eq!(next(&unacked).map(|tag| tag.number), Some(1));
        assert_eq!(next(&unacked), None);

        assert!(unacked.remove(renewed).is_some());
        unacked.keep(failed, raw(4));

        assert_eq!([next(&unacked), next(&unacked)].map(|tag| tag.unwrap().number), [3, 4]);
    }

    #[test]
    fn a_delivery_is_settled_once() {
        let unacked = unacked(9);
        receive(&unacked, 1, &[1, 2, 3]);
        let tags = [next(&unacked), next(&unacked), next(&unacked)].map(Option::unwrap);

        assert!(unacked.remove_through(tags[1]).is_some());

        assert_eq!(tags.map(|tag| unacked.remove(tag).is_some()), [false, false, true]);
    }

    #[test]
    fn nothing_of_an_earlier_channel_is_handed_out_or_settled() {
        let unacked = unacked(9);
        receive(&unacked, 1, &[1, 2]);
        let stale = next(&unacked).unwrap();

        unacked.new_channel(CancellationToken::new());

        assert_eq!(next(&unacked), None);
        receive(&unacked, 2, &[1]);
        assert!(unacked.remove(stale).is_none() && unacked.remove_through(stale).is_none());
        assert!(unacked.remove(next(&unacked).unwrap()).is_some());
    }

    #[test]
    fn what_cancelled_consumers_held_is_owed_until_it_is_settled() {
        let unacked = unacked(9);
        receive(&unacked, 1, &[1, 2]);
        let first = next(&unacked).unwrap();
        unacked.cancel_through(1);
        receive(&unacked, 2, &[3]);
        assert_eq!(unacked.load().leftovers, 2);

        unacked.remove(first);

        assert_eq!(unacked.load().leftovers, 1);
    }

    #[test]
    fn the_latest_are_the_surplus() {
        let unacked = unacked(5);
        receive(&unacked, 1, &[1, 2, 3, 4, 5]);
        next(&unacked);

        unacked.set_prefetch(2);

        let surplus: Vec<_> = unacked.take_surplus().iter().map(|delivery| delivery.delivery_tag).collect();
        assert_eq!(surplus, [3, 4, 5]);
        assert_eq!(unacked.load().unacked, 2);
        assert_eq!(next(&unacked).map(|tag| tag.number), Some(2));
    }
}
