use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Semaphore;

use crate::Closed;

/// Admits at most `limit` calls at the same time, in the order in which they ask. The limit can change at any time.
///
/// A limit of zero stops all new calls. If the limit is below the number of calls in flight, none is interrupted, but
/// no new call starts until enough of them have ended.
#[derive(Debug)]
pub(crate) struct Gate {
    slots: Semaphore,
    state: Mutex<State>,
    waiting: AtomicUsize,
}

/// Invariant between calls of the methods: free slots + `in_flight` = `limit` + `excess`.
#[derive(Debug)]
struct State {
    limit: u32,
    in_flight: u32,
    /// Slots that exist above the limit, because they were taken when it shrank. Each is destroyed when it is
    /// released.
    excess: u32,
}

impl Gate {
    pub fn new(limit: u32) -> Self {
        Self {
            slots: Semaphore::new(limit as usize),
            state: Mutex::new(State { limit, in_flight: 0, excess: 0 }),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a free slot and takes it. Dropping the slot releases it.
    ///
    /// Cancel safe: a dropped wait takes no slot and loses its place in the queue.
    pub async fn acquire(self: &Arc<Self>) -> Result<Slot, Closed> {
        let _waiting = Waiting::new(&self.waiting);
        loop {
            let slot = self.slots.acquire().await.map_err(|_| Closed)?;
            slot.forget();
            let mut state = self.state();
            // The limit may have shrunk while this slot was handed over.
            if state.excess > 0 {
                state.excess -= 1;
                continue;
            }
            state.in_flight += 1;
            drop(state);
            return Ok(Slot { gate: Arc::clone(self) });
        }
    }

    /// Sets the limit, at once for calls that have not started.
    pub fn set_limit(&self, limit: u32) {
        let mut state = self.state();
        if limit >= state.limit {
            let grown = limit - state.limit;
            let kept = grown.min(state.excess);
            state.excess -= kept;
            self.slots.add_permits((grown - kept) as usize);
        } else {
            let shrunk = state.limit - limit;
            let destroyed = self.slots.forget_permits(shrunk as usize);
            state.excess += shrunk - u32::try_from(destroyed).expect("no more than asked for");
        }
        state.limit = limit;
    }

    /// Ends every wait, now and later. Slots that are in use remain valid.
    pub fn close(&self) {
        self.slots.close();
    }

    pub fn limit(&self) -> u32 {
        self.state().limit
    }

    /// Returns the number of slots in use. After the limit shrank it is above the limit for a while.
    pub fn in_flight(&self) -> u32 {
        self.state().in_flight
    }

    /// Returns the number of calls that wait for a slot.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn release(&self) {
        let mut state = self.state();
        state.in_flight -= 1;
        if state.excess > 0 {
            state.excess -= 1;
        } else {
            self.slots.add_permits(1);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

/// Permission to have one call in flight. Dropping it releases it.
#[derive(Debug)]
#[must_use = "a slot is given back when it is dropped"]
pub(crate) struct Slot {
    gate: Arc<Gate>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gate.release();
    }
}

/// Counts a waiting call until its wait ends or is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    use super::*;

    /// Polls once, without a runtime.
    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn take(gate: &Arc<Gate>) -> Slot {
        match poll(pin!(gate.acquire())) {
            Poll::Ready(slot) => slot.unwrap(),
            Poll::Pending => panic!("no slot is free"),
        }
    }

    fn is_full(gate: &Arc<Gate>) -> bool {
        poll(pin!(gate.acquire())).is_pending()
    }

    #[test]
    fn no_more_than_the_limit_are_in_flight() {
        let gate = Arc::new(Gate::new(2));

        let slots = [take(&gate), take(&gate)];

        assert!(is_full(&gate));
        assert_eq!(gate.in_flight(), 2);
        drop(slots);
        assert_eq!(gate.in_flight(), 0);
        let _again = [take(&gate), take(&gate)];
    }

    #[test]
    fn who_waits_longest_is_next() {
        let gate = Arc::new(Gate::new(1));
        let held = take(&gate);
        let (mut first, mut second) = (pin!(gate.acquire()), pin!(gate.acquire()));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());

        drop(held);

        assert!(poll(second).is_pending());
        assert!(poll(first).is_ready());
    }

    #[test]
    fn a_grown_limit_lets_those_in_who_wait() {
        let gate = Arc::new(Gate::new(0));
        let mut wait = pin!(gate.acquire());
        assert!(poll(wait.as_mut()).is_pending());

        gate.set_limit(1);

        assert!(poll(wait).is_ready());
    }

    #[tokio::test]
    async fn a_closed_gate_ends_every_wait_and_keeps_the_slots_that_are_held() {
        let gate = Arc::new(Gate::new(1));
        let held = take(&gate);
        let mut wait = pin!(gate.acquire());
        assert!(poll(wait.as_mut()).is_pending());

        gate.close();

        assert!(wait.await.is_err());
        assert!(gate.acquire().await.is_err());
        assert_eq!(gate.in_flight(), 1);
        drop(held);
        assert_eq!(gate.in_flight(), 0);
    }

    #[test]
    fn a_limit_below_what_is_in_flight_holds_once_enough_have_ended() {
        let gate = Arc::new(Gate::new(3));
        let (a, b, c) = (take(&gate), take(&gate), take(&gate));

        gate.set_limit(1);

        drop(a);
        assert!(is_full(&gate), "two are still in flight");
        drop(b);
        assert!(is_full(&gate), "one is still in flight");
        drop(c);
        let _one = take(&gate);
        assert!(is_full(&gate));
    }

    #[test]
    fn growing_again_while_shrunk_makes_no_slot_too_many() {
        let gate = Arc::new(Gate::new(3));
        let held = [take(&gate), take(&gate), take(&gate)];

        gate.set_limit(0);
        gate.set_limit(2);
        drop(held);

        let _two = [take(&gate), take(&gate)];
        assert!(is_full(&gate));
    }

    #[test]
    fn a_cancelled_wait_holds_nothing_and_is_not_counted() {
        let gate = Arc::new(Gate::new(1));
        let held = take(&gate);
        {
            let mut wait = pin!(gate.acquire());
            assert!(poll(wait.as_mut()).is_pending());
            assert_eq!(gate.waiting(), 1);
        }

        assert_eq!(gate.waiting(), 0);
        drop(held);
        let _next = take(&gate);
    }

    #[test]
    fn a_slot_on_its_way_to_a_cancelled_wait_does_not_outlive_a_shrink() {
        let gate = Arc::new(Gate::new(1));
        let held = take(&gate);
        {
            let mut wait = pin!(gate.acquire());
            assert!(poll(wait.as_mut()).is_pending());
            drop(held);
            gate.set_limit(0);
        }

        assert!(is_full(&gate));
        gate.set_limit(1);
        let _one = take(&gate);
        assert!(is_full(&gate));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn under_load_and_resizing_every_call_passes_and_none_is_counted_twice() {
        let gate = Arc::new(Gate::new(4));
        let calls: Vec<_> = (0..2_000_u32)
            .map(|n| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    let _slot = gate.acquire().await;
                    gate.set_limit(1 + n % 8);
                    tokio::task::yield_now().await;
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }

        gate.set_limit(3);
        let _three = [take(&gate), take(&gate), take(&gate)];
        assert!(is_full(&gate));
        assert_eq!((gate.in_flight(), gate.waiting()), (3, 0));
    }
}
