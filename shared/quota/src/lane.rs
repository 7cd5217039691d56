use std::sync::Arc;

use runmill_proto::Usage;
use tokio::sync::watch;

use crate::{
    gate::{Gate, Slot},
    tokens::{Reservation, TokenCount, Tokens},
};

/// Limits of one provider in this process. Every attempt of a call needs an admission before it starts.
///
/// Attempts are admitted in the order in which they ask, up to the concurrency, which can change at any time.
/// Estimated tokens are reserved at the start, and replaced by the tokens actually used at the end.
#[derive(Debug)]
pub struct Lane {
    gate: Arc<Gate>,
    tokens: Arc<Tokens>,
    startable: watch::Sender<u32>,
}

/// An attempt that asks for its admission.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Name of the model at the provider.
    pub model: &'a str,
    /// Estimated number of tokens of the prompt, and of the longest answer if the request limits it.
    pub estimated_tokens: u64,
}

/// Error for an attempt whose provider, and with it the lane, was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider was removed")]
pub struct Closed;

/// Permission to have one attempt in flight. If it is dropped without [`settle`](Self::settle), its reserved tokens
/// are released.
#[derive(Debug)]
#[must_use = "an admission ends when it is dropped"]
pub struct Admission {
    _slot: Slot,
    reservation: Reservation,
}

impl Lane {
    /// Returns a lane that admits `concurrency` attempts at the same time.
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

    /// Sets the concurrency, at once for attempts that have not started. Zero stops all of them. Attempts in flight
    /// are never interrupted.
    pub fn set_concurrency(&self, concurrency: u32) {
        self.gate.set_limit(concurrency);
        self.startable.send_if_modified(|startable| std::mem::replace(startable, concurrency) != concurrency);
    }

    /// Returns the number of attempts that this process may have in flight, for consumers, which take no more jobs
    /// than that from a queue.
    pub fn startable(&self) -> watch::Receiver<u32> {
        self.startable.subscribe()
    }

    pub fn concurrency(&self) -> u32 {
        self.gate.limit()
    }

    /// Returns the number of attempts in flight. After the concurrency shrank it is above the concurrency for a
    /// while.
    pub fn in_flight(&self) -> u32 {
        self.gate.in_flight()
    }

    /// Returns the number of attempts that wait to be admitted.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// Returns the tokens that are reserved by attempts in flight, and those that settled attempts have used.
    pub fn tokens(&self) -> TokenCount {
        self.tokens.count()
    }

    /// Ends every wait with [`Closed`]. Attempts in flight go on.
    pub(crate) fn close(&self) {
        self.gate.close();
    }
}

impl Admission {
    /// Ends the attempt. `usage` has the tokens that the provider counted. If it is unknown, the estimate counts as
    /// used.
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
