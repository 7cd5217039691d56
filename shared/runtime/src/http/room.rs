//! The connections that are open, and the choice of those that make room for others.
//!
//! A connection is *waiting* while the server waits for its client: for a head, a body, or room for an answer. If there is
//! no room, one of them is closed: first among strangers, who have not signed in, and there the one that has waited longest
//! at the address with the most of them. So connections that ask for nothing cannot keep others out, however many there are,
//! a flood from few addresses closes its own, and what the server works on goes on.

use std::{
    cmp::Reverse,
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Shortest wait for which the connection of a caller that has signed in is closed, so that a request or an answer on its
/// way over the network is not.
const SIGNED_IN_WAIT_MIN: Duration = Duration::from_secs(1);

/// Reason for which the server waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Head = 0,
    Body = 1,
    Answer = 2,
}

/// Beginning of a connection's wait, as in [`Visit`], and its number.
type Waiting = (u64, u64);

pub struct Room {
    /// Maximum number of connections of callers that have signed in.
    signed_in_max: usize,
    opened: Instant,
    visits: Mutex<HashMap<u64, Arc<Visit>>>,
    next: AtomicU64,
}

/// A connection in a [`Room`].
pub struct Visit {
    address: IpAddr,
    opened: Instant,
    /// Milliseconds after `opened`, and one more, since which the server waits; 0 while it does not.
    waits: [AtomicU64; 3],
    signed_in: AtomicBool,
    has_asked: AtomicBool,
    /// Cancelled to make room for others.
    pub closed: CancellationToken,
}

impl Room {
    pub fn new(signed_in_max: usize) -> Self {
        Self { signed_in_max, opened: Instant::now(), visits: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Adds a connection from this address, from whose client a head is expected. Returns its number.
    pub fn enter(&self, address: IpAddr) -> (u64, Arc<Visit>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let visit = Arc::new(Visit::new(network(address), self.opened));
        self.visits().insert(id, visit.clone());
        (id, visit)
    }

    pub fn leave(&self, id: u64) {
        self.visits().remove(&id);
    }

    /// Closes a connection that waits. Returns false if none does.
    pub fn make_room(&self) -> bool {
        let mut visits = self.visits();
        let evicted = first_of_the_largest_crowd(&visits).or_else(|| self.longest_signed_in(&visits));
        evict(&mut visits, evicted)
    }

    /// Counts the connection among those of callers that have signed in. Returns false if there are too many, and the
    /// server works for each of them.
    pub fn sign_in(&self, visit: &Visit) -> bool {
        if visit.is_signed_in() {
            return true;
        }
        let mut visits = self.visits();
        let count = visits.values().filter(|other| other.is_signed_in()).count();
        let has_room = count < self.signed_in_max || {
            let evicted = self.longest_signed_in(&visits);
            evict(&mut visits, evicted)
        };
        visit.signed_in.store(has_room, Ordering::Relaxed);
        has_room
    }

    fn longest_signed_in(&self, visits: &HashMap<u64, Arc<Visit>>) -> Option<u64> {
        let (since, id) = waiting(visits, true).map(|(_, waiting)| waiting).min()?;
        let waits = millis_since(self.opened).saturating_sub(since);
        (u128::from(waits) >= SIGNED_IN_WAIT_MIN.as_millis()).then_some(id)
    }

    fn visits(&self) -> MutexGuard<'_, HashMap<u64, Arc<Visit>>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the connections that wait, with their addresses.
fn waiting(visits: &HashMap<u64, Arc<Visit>>, signed_in: bool) -> impl Iterator<Item = (IpAddr, Waiting)> {
    let visits = visits.iter().filter(move |(_, visit)| visit.is_signed_in() == signed_in);
    visits.filter_map(|(id, visit)| Some((visit.address, (visit.waits_since()?, *id))))
}

/// Returns the stranger who has waited longest at the address with the most waiting strangers.
fn first_of_the_largest_crowd(visits: &HashMap<u64, Arc<Visit>>) -> Option<u64> {
    let mut crowds = HashMap::<IpAddr, (usize, Reverse<Waiting>)>::new();
    for (address, waiting) in waiting(visits, false) {
        let (count, first) = crowds.entry(address).or_insert((0, Reverse(waiting)));
        *count += 1;
        *first = (*first).max(Reverse(waiting));
    }
    crowds.into_values().max().map(|(_, Reverse((_, id)))| id)
}

/// Returns the address by which a client is told from others: one client can have all addresses of an IPv6 network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

fn evict(visits: &mut HashMap<u64, Arc<Visit>>, id: Option<u64>) -> bool {
    let evicted = id.and_then(|id| visits.remove(&id));
    evicted.inspect(|visit| visit.closed.cancel()).is_some()
}

/// Returns milliseconds, and one more, so that no time is 0.
fn millis_since(opened: Instant) -> u64 {
    u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

impl Visit {
    fn new(address: IpAddr, opened: Instant) -> Self {
        let visit = Self {
            address,
            opened,
            waits: [const { AtomicU64::new(0) }; 3],
            signed_in: AtomicBool::new(false),
            has_asked: AtomicBool::new(false),
            closed: CancellationToken::new(),
        };
        visit.waits(Wait::Head, Duration::ZERO);
        visit
    }

    /// Notes that the server waits from now on, or goes on waiting. It has waited for the same `before`.
    pub fn waits(&self, wait: Wait, before: Duration) {
        let slot = &self.waits[wait as usize];
        if slot.load(Ordering::Relaxed) == 0 {
            let before = u64::try_from(before.as_millis()).unwrap_or(u64::MAX);
            slot.store(millis_since(self.opened).saturating_sub(before).max(1), Ordering::Relaxed);
        }
    }

    pub fn waits_no_longer(&self, wait: Wait) {
        if wait == Wait::Head {
            self.has_asked.store(true, Ordering::Relaxed);
        }
        self.waits[wait as usize].store(0, Ordering::Relaxed);
    }

    /// Returns true once the client has sent the head of a request.
    pub fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// Returns true if no request is in progress, and all of the answers is sent.
    pub fn is_idle(&self) -> bool {
        self.is_waiting(Wait::Head) && !self.is_waiting(Wait::Answer)
    }

    fn is_waiting(&self, wait: Wait) -> bool {
        self.waits[wait as usize].load(Ordering::Relaxed) != 0
    }

    fn is_signed_in(&self) -> bool {
        self.signed_in.load(Ordering::Relaxed)
    }

    fn waits_since(&self) -> Option<u64> {
        self.waits.iter().map(|slot| slot.load(Ordering::Relaxed)).filter(|since| *since != 0).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn later() {
        tokio::time::advance(SIGNED_IN_WAIT_MIN).await;
    }

    async fn enter_from(room: &Room, address: &str) -> Arc<Visit> {
        later().await;
        room.enter(address.parse().unwrap()).1
    }

    async fn enter(room: &Room) -> Arc<Visit> {
        enter_from(room, "192.0.2.1").await
    }

    fn closed(visits: &[Arc<Visit>]) -> Vec<bool> {
        visits.iter().map(|visit| visit.closed.is_cancelled()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_make_room_in_the_order_of_their_waits() {
        let room = Room::new(9);
        let visits = [enter(&room).await, enter(&room).await, enter(&room).await, enter(&room).await];
        visits[0].waits_no_longer(Wait::Head);
        assert!(room.sign_in(&visits[1]));

        assert!(room.make_room());
        assert_eq!(closed(&visits), [false, false, true, false], "the first is at work, the second is known");

        assert!(room.make_room());
        assert!(room.make_room());
        assert_eq!(closed(&visits), [false, true, true, true], "known callers are the last");
        assert!(!room.make_room(), "nobody waits");
    }

    #[tokio::test(start_paused = true)]
    async fn the_address_with_the_most_strangers_makes_room_first() {
        let room = Room::new(9);
        let addresses =
            ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.2", "2001:db8::2", "192.0.2.2", "2001:db8::3"];
        let mut visits = Vec::new();
        for address in addresses {
            visits.push(enter_from(&room, address).await);
        }

        let mut order = Vec::new();
        while room.make_room() {
            let is_new =
                |(at, visit): &(usize, &Arc<Visit>)| visit.closed.is_cancelled() && !order.contains(at);
            order.push(visits.iter().enumerate().find(is_new).unwrap().0);
        }

        assert_eq!(order, [1, 2, 3, 0, 4, 5], "an IPv6 network and a mapped address count as one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_refused_only_if_the_server_works_for_all_others() {
        let room = Room::new(2);
        let [streams, uploads, third] = [enter(&room).await, enter(&room).await, enter(&room).await];
        for visit in [&streams, &uploads, &third] {
            visit.waits_no_longer(Wait::Head);
        }
        assert!(room.sign_in(&streams) && room.sign_in(&uploads));
        assert!(!room.sign_in(&third));
        assert!(room.sign_in(&streams), "it has signed in already");

        uploads.waits(Wait::Body, Duration::ZERO);
        assert!(!room.sign_in(&third), "the wait has only begun");
        later().await;

        assert!(room.sign_in(&third));
        assert_eq!(closed(&[streams, uploads, third]), [false, true, false]);
    }
}
