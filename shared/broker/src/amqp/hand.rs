use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::{Mutex, MutexGuard},
};

use lapin::message::Delivery;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What one subscription has taken from the broker: what waits for `next`, and all that is unsettled.
#[derive(Default)]
pub(super) struct Hand {
    state: Mutex<State>,
    /// `next` may have something to return.
    pub ready: Notify,
    /// Something that a cancelled consumer held was settled.
    pub repaid: Notify,
}

#[derive(Default)]
struct State {
    /// Counts the channels of this subscription. Tags start anew with each.
    channel: u64,
    lost: CancellationToken,
    prefetch: u16,
    seen: Seen,
    /// By tag.
    waiting: BTreeMap<u64, Delivery>,
    /// The consumer of every unsettled delivery, the waiting ones included, by tag.
    unsettled: BTreeMap<u64, u32>,
    /// Consumers up to this one are cancelled.
    cancelled: u32,
    /// How many of the unsettled are from cancelled consumers.
    owed: usize,
    received: u64,
    /// Whether any delivery of this channel was settled.
    settled: bool,
    ended: bool,
}

/// One delivery's place: a channel of this subscription and a tag on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub channel: u64,
    pub tag: u64,
}

/// A delivery that is handed out.
pub(super) struct Taken {
    pub delivery: Box<Delivery>,
    pub place: Place,
    /// Cancelled when its channel is lost.
    pub lost: CancellationToken,
}

/// What `next` finds.
pub(super) enum Found {
    Delivery(Taken),
    Nothing,
    Ended,
}

/// A look at the hand.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub prefetch: u16,
    pub unsettled: usize,
    pub owed: usize,
    /// Deliveries since the subscription began.
    pub received: u64,
}

impl Hand {
    /// A new channel, until `lost`: what was held of the one before is no longer ours.
    pub fn new_channel(&self, lost: CancellationToken) {
        let mut state = self.lock();
        state.lost.cancel();
        let fresh = State {
            channel: state.channel + 1,
            lost,
            prefetch: state.prefetch,
            received: state.received,
            ended: state.ended,
            ..State::default()
        };
        *state = fresh;
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
        let tag = delivery.delivery_tag;
        state.received += 1;
        state.seen.insert(tag);
        state.owed += usize::from(consumer <= state.cancelled);
        state.unsettled.insert(tag, consumer);
        state.waiting.insert(tag, delivery);
        drop(state);
        self.ready.notify_one();
    }

    pub fn next(&self) -> Found {
        let state = &mut *self.lock();
        if state.ended {
            return Found::Ended;
        }
        let in_hand = state.unsettled.len() - state.waiting.len();
        match state.waiting.first_entry() {
            Some(first) if state.seen.all_through(*first.key()) && in_hand < usize::from(state.prefetch) => {
                let place = Place { channel: state.channel, tag: *first.key() };
                let (delivery, lost) = (Box::new(first.remove()), state.lost.clone());
                Found::Delivery(Taken { delivery, place, lost })
            }
            _ => Found::Nothing,
        }
    }

    /// Takes a delivery out to settle it. No: it was settled, or its channel is lost.
    pub fn take(&self, place: Place) -> bool {
        self.settle(place, |state| state.remove(place.tag))
    }

    /// Takes out a delivery and all that were handed out before it.
    pub fn take_through(&self, place: Place) -> bool {
        self.settle(place, |state| {
            let known = state.unsettled.contains_key(&place.tag);
            while known && let Some((&tag, _)) = state.unsettled.range(..=place.tag).next() {
                state.remove(tag);
            }
            known
        })
    }

    fn settle(&self, place: Place, settle: impl FnOnce(&mut State) -> bool) -> bool {
        let mut state = self.lock();
        let owed = state.owed;
        let settled = state.channel == place.channel && settle(&mut state);
        state.settled |= settled;
        let repaid = state.owed < owed;
        drop(state);
        self.ready.notify_one();
        if repaid {
            self.repaid.notify_one();
        }
        settled
    }

    /// What waits beyond the prefetch is taken out, in order, to be given back to the broker.
    pub fn take_surplus(&self) -> Vec<Delivery> {
        let mut state = self.lock();
        let in_hand = state.unsettled.len() - state.waiting.len();
        let room = usize::from(state.prefetch).saturating_sub(in_hand);
        let Some(first) = state.waiting.keys().nth(room).copied() else { return Vec::new() };
        let surplus = state.waiting.split_off(&first);
        for tag in surplus.keys() {
            state.remove(*tag);
        }
        surplus.into_values().collect()
    }

    /// All consumers up to this one are cancelled now.
    pub fn cancel_through(&self, consumer: u32) {
        let mut state = self.lock();
        state.cancelled = consumer;
        state.owed = state.unsettled.len();
    }

    /// Takes nothing more; `next` has nothing to wait for.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.prefetch = 0;
        drop(state);
        self.ready.notify_one();
    }

    /// Whether any delivery of the channel that is there was settled.
    pub fn has_settled(&self) -> bool {
        self.lock().settled
    }

    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    pub fn load(&self) -> Load {
        let state = self.lock();
        Load {
            prefetch: state.prefetch,
            unsettled: state.unsettled.len(),
            owed: state.owed,
            received: state.received,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

/// The tags that came. With several consumers on a channel deliveries reach us out of order, and a later one in
/// hand would make `ack_through` ack an earlier one that nobody has seen.
#[derive(Default)]
struct Seen {
    /// All up to this one came.
    through: u64,
    ahead: BTreeSet<u64>,
}

impl Seen {
    fn insert(&mut self, tag: u64) {
        self.ahead.insert(tag);
        while self.ahead.remove(&(self.through + 1)) {
            self.through += 1;
        }
    }

    fn all_through(&self, tag: u64) -> bool {
        tag <= self.through
    }
}

impl State {
    fn remove(&mut self, tag: u64) -> bool {
        match self.unsettled.entry(tag) {
            Entry::Vacant(_) => false,
            Entry::Occupied(entry) => {
                self.owed -= usize::from(entry.remove() <= self.cancelled);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hand(prefetch: u16) -> Hand {
        let hand = Hand::default();
        hand.new_channel(CancellationToken::new());
        hand.set_prefetch(prefetch);
        hand
    }

    fn receive(hand: &Hand, consumer: u32, tags: &[u64]) {
        for tag in tags {
            hand.receive(consumer, Delivery::mock(*tag, "".into(), "".into(), false, Vec::new()));
        }
    }

    fn next(hand: &Hand) -> Option<Place> {
        match hand.next() {
            Found::Delivery(taken) => Some(taken.place),
            Found::Nothing | Found::Ended => None,
        }
    }

    #[test]
    fn deliveries_are_handed_out_in_the_order_of_their_tags() {
        let hand = hand(9);
        receive(&hand, 1, &[1, 3, 4]);
        assert_eq!(next(&hand).map(|place| place.tag), Some(1));
        assert_eq!(next(&hand), None, "2 is on its way");

        receive(&hand, 2, &[2]);

        assert_eq!([next(&hand), next(&hand), next(&hand)].map(|place| place.unwrap().tag), [2, 3, 4]);
    }

    #[test]
    fn a_delivery_is_settled_once() {
        let hand = hand(9);
        receive(&hand, 1, &[1, 2, 3]);
        let places = [next(&hand), next(&hand), next(&hand)].map(Option::unwrap);

        assert!(hand.take_through(places[1]));

        assert_eq!(places.map(|place| hand.take(place)), [false, false, true]);
    }

    #[test]
    fn nothing_of_an_earlier_channel_is_handed_out_or_settled() {
        let hand = hand(9);
        receive(&hand, 1, &[1, 2]);
        let stale = next(&hand).unwrap();

        hand.new_channel(CancellationToken::new());

        assert_eq!(next(&hand), None);
        receive(&hand, 2, &[1]);
        assert!(!hand.take(stale) && !hand.take_through(stale));
        assert!(hand.take(next(&hand).unwrap()));
    }

    #[test]
    fn what_cancelled_consumers_held_is_owed_until_it_is_settled() {
        let hand = hand(9);
        receive(&hand, 1, &[1, 2]);
        let first = next(&hand).unwrap();
        hand.cancel_through(1);
        receive(&hand, 2, &[3]);
        assert_eq!(hand.load().owed, 2);

        hand.take(first);

        assert_eq!(hand.load().owed, 1);
    }

    #[test]
    fn the_latest_are_the_surplus() {
        let hand = hand(5);
        receive(&hand, 1, &[1, 2, 3, 4, 5]);
        next(&hand);

        hand.set_prefetch(2);

        let surplus: Vec<_> = hand.take_surplus().iter().map(|delivery| delivery.delivery_tag).collect();
        assert_eq!(surplus, [3, 4, 5]);
        assert_eq!(hand.load().unsettled, 2);
        assert_eq!(next(&hand).map(|place| place.tag), Some(2));
    }
}
