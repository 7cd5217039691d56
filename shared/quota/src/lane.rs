use std::sync::Arc;

use runmill_proto::Usage;
use tokio::sync::watch;

use crate::{
    gate::{Gate, Slot},
    tokens::{Reservation, TokenCount, Tokens},
};

/// One provider's limits in this process: every attempt at a call asks here before it starts.
///
/// Attempts are admitted first come first served, up to the concurrency, which can change at any time. Tokens are
/// reserved by estimate and settled by actual use.
#[derive(Debug)]
pub struct Lane {
    gate: Arc<Gate>,
    tokens: Arc<Tokens>,
    startable: watch::Sender<u32>,
}

/// The attempt that asks to start.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// As the provider names it.
    pub model: &'a str,
    /// Tokens of the prompt and of the longest answer, as far as the request bounds it.
    pub estimated_tokens: u64,
}

/// The provider is gone, and with it the lane: nothing more starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider was removed")]
pub struct Closed;

/// The right to have one attempt in flight. Dropped without [`settle`](Self::settle), it gives back all that it
/// reserved.
#[derive(Debug)]
#[must_use = "an admission ends when it is dropped"]
pub struct Admission {
    _slot: Slot,
    reservation: Reservation,
}

impl Lane {
    /// A lane that admits `concurrency` attempts at once.
    pub fn new(concurrency: u32) -> Self {
        Self {
            gate: Arc::new(Gate::new(concurrency)),
            tokens: Arc::default(),
            startable: watch::Sender::new(concurrency),
        }
    }

    /// Waits until the attempt may start.
    ///
    /// Cancel safe: a dropped wait reserves nothing and loses its place in the queue.
    pub async fn admit(&self, ask: &Ask<'_>) -> Result<Admission, Closed> {
        let slot = self.gate.acquire().await?;
        Ok(Admission { _slot: slot, reservation: Tokens::reserve(&self.tokens, ask.estimated_tokens) })
    }

    /// Takes effect at once for attempts that have not started. Zero stops all of them; a limit below what is in flight
    /// interrupts nothing.
    pub fn set_concurrency(&self, concurrency: u32) {
        self.gate.set_limit(concurrency);
        self.startable.send_if_modified(|startable| std::mem::replace(startable, concurrency) != concurrency);
    }

    /// Attempts that this process may have in flight. Whoever takes work from a queue takes no more than this.
    pub fn startable(&self) -> watch::Receiver<u32> {
        self.startable.subscribe()
    }

    pub fn concurrency(&self) -> u32 {
        self.gate.limit()
    }

    /// Attempts in flight: above the concurrency for a while after it shrank.
    pub fn in_flight(&self) -> u32 {
        self.gate.in_flight()
    }

    /// Attempts that wait to be admitted.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// Tokens reserved by the attempts in flight, and used by those that were settled.
    pub fn tokens(&self) -> TokenCount {
        self.tokens.count()
    }

    /// Ends every wait with [`Closed`]. Attempts in flight go on.
    pub(crate) fn close(&self) {
        self.gate.close();
    }
}

impl Admission {
    /// The attempt has ended. `usage` is what the provider counted; where it is unknown, the estimate counts as used.
    pub fn settle(self, usage: Option<&Usage>) {
        self.reservation.settle(usage.map(Usage::total_tokens));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: Ask<'_> = Ask { model: "m", estimated_tokens: 100 };

    #[tokio::test]
    async fn a_change_of_the_concurrency_is_seen_by_those_who_watch() {
        let lane = Lane::new(2);
        let mut startable = lane.startable();
        assert_eq!(*startable.borrow_and_update(), 2);

        lane.set_concurrency(2);
        assert!(!startable.has_changed().unwrap(), "nothing changed");
        lane.set_concurrency(5);

        startable.changed().await.unwrap();
        assert_eq!((*startable.borrow(), lane.concurrency()), (5, 5));
    }

    #[tokio::test]
    async fn tokens_are_reserved_by_estimate_and_settled_by_use() {
        let lane = Lane::new(3);
        let (told, untold, dropped) =
            (lane.admit(&ASK).await, lane.admit(&ASK).await, lane.admit(&ASK).await);
        assert_eq!(lane.tokens(), TokenCount { reserved: 300, used: 0 });

        told.unwrap().settle(Some(&Usage { prompt_tokens: 5, completion_tokens: 2, ..Usage::default() }));
        untold.unwrap().settle(None);
        drop(dropped);

        assert_eq!(lane.tokens(), TokenCount { reserved: 0, used: 107 });
        assert_eq!(lane.in_flight(), 0);
    }

    #[tokio::test]
    async fn a_closed_lane_admits_nothing() {
        let lane = Lane::new(1);
        lane.close();
        assert_eq!(lane.admit(&ASK).await.unwrap_err(), Closed);
    }
}
