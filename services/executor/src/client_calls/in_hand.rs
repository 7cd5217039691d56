use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use runmill_broker::Delivery;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::exchange::Recent;

/// Time for which a canceled call is remembered that has not arrived yet, and the number of those.
const CANCELED_FOR: Duration = Duration::from_mins(10);
const CANCELED_MAX: usize = 20_000;

/// Calls in hand, and those that were canceled before they arrived.
pub(super) struct CallsInHand(Mutex<State>);

struct State {
    held: HashMap<Uuid, Held>,
    canceled: Recent<Uuid, ()>,
}

struct Held {
    hang_up: HangUp,
    /// The same call, delivered again after a lost connection: one for each.
    copies: Vec<Delivery>,
}

/// Ends a call early.
#[derive(Clone)]
pub(super) struct HangUp {
    client_gone: Arc<AtomicBool>,
    pub at_once: CancellationToken,
}

/// A call in hand until [`InHand::end`]. Dropped before that, its deliveries stay unacked, for the process is ending.
pub(super) struct InHand {
    calls: Arc<CallsInHand>,
    id: Uuid,
    pub delivery: Delivery,
    pub hang_up: HangUp,
}

/// Result of [`CallsInHand::claim`].
pub(super) enum Claimed {
    New(InHand),
    /// The call is in hand, and its end settles this delivery, too.
    Kept,
    /// The client no longer waits.
    Canceled(Delivery),
}

impl Default for CallsInHand {
    fn default() -> Self {
        let canceled = Recent::new(CANCELED_FOR, CANCELED_MAX);
        Self(Mutex::new(State { held: HashMap::new(), canceled }))
    }
}

impl CallsInHand {
    /// Takes a call in hand, which ends early when `at_once` is cancelled.
    pub fn claim(self: &Arc<Self>, id: Uuid, delivery: Delivery, at_once: CancellationToken) -> Claimed {
        let mut state = self.lock();
        if state.canceled.get(&id).is_some() {
            return Claimed::Canceled(delivery);
        }
        if let Some(held) = state.held.get_mut(&id) {
            held.copies.push(delivery);
            return Claimed::Kept;
        }
        let hang_up = HangUp { client_gone: Arc::default(), at_once };
        state.held.insert(id, Held { hang_up: hang_up.clone(), copies: Vec::new() });
        Claimed::New(InHand { calls: self.clone(), id, delivery, hang_up })
    }

    /// Ends a call whose client no longer waits. One that is not in hand may come later.
    pub fn cancel(&self, id: Uuid) {
        let mut state = self.lock();
        match state.held.get(&id) {
            Some(held) => held.hang_up.client_gone(),
            None => state.canceled.insert(id, (), Instant::now()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HangUp {
    pub fn client_gone(&self) {
        self.client_gone.store(true, Ordering::SeqCst);
        self.at_once.cancel();
    }

    pub fn is_client_gone(&self) -> bool {
        self.client_gone.load(Ordering::SeqCst)
    }
}

impl InHand {
    /// Returns all deliveries of the call, which are to be settled.
    pub fn end(self) -> Vec<Delivery> {
        let held = self.calls.lock().held.remove(&self.id);
        let mut deliveries = held.map(|held| held.copies).unwrap_or_default();
        deliveries.push(self.delivery);
        deliveries
    }
}

#[cfg(test)]
mod tests {
    use runmill_broker::{Broker, Envelope, Queue, memory::MemoryBroker};
    use runmill_proto::message::Control;

    use super::*;

    async fn delivery() -> Delivery {
        let (broker, queue) = (MemoryBroker::new(), Queue::Logs(0));
        let mut subscription = broker.subscribe(queue, 1).await.unwrap();
        broker.publish(queue, Envelope::new(&Control::SettingsChanged)).await.unwrap();
        subscription.next().await.unwrap()
    }

    #[tokio::test]
    async fn a_call_that_was_canceled_before_it_came_is_not_made() {
        let (calls, id) = (Arc::<CallsInHand>::default(), Uuid::now_v7());
        calls.cancel(id);

        let claimed = calls.claim(id, delivery().await, CancellationToken::new());

        assert!(matches!(claimed, Claimed::Canceled(_)));
    }

    #[tokio::test]
    async fn a_call_that_comes_while_it_is_in_hand_is_settled_with_it() {
        let (calls, id) = (Arc::<CallsInHand>::default(), Uuid::now_v7());
        let Claimed::New(first) = calls.claim(id, delivery().await, CancellationToken::new()) else {
            panic!("it is new")
        };
        assert!(matches!(calls.claim(id, delivery().await, CancellationToken::new()), Claimed::Kept));

        assert_eq!(first.end().len(), 2);

        let Claimed::New(again) = calls.claim(id, delivery().await, CancellationToken::new()) else {
            panic!("it is not in hand")
        };
        calls.cancel(id);
        assert!(again.hang_up.is_client_gone() && again.hang_up.at_once.is_cancelled());
    }
}
