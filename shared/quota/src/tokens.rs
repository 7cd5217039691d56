use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Tokens of one lane in this process.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    reserved: AtomicU64,
    used: AtomicU64,
}

/// Tokens at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount {
    /// Estimates of the attempts in flight.
    pub reserved: u64,
    /// Sum over all attempts that ended since the process started.
    pub used: u64,
}

/// The estimate of one attempt; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    tokens: Arc<Tokens>,
    estimate: u64,
}

impl Tokens {
    pub fn reserve(this: &Arc<Self>, estimate: u64) -> Reservation {
        this.reserved.fetch_add(estimate, Ordering::Relaxed);
        Reservation { tokens: Arc::clone(this), estimate }
    }

    pub fn count(&self) -> TokenCount {
        TokenCount {
            reserved: self.reserved.load(Ordering::Relaxed),
            used: self.used.load(Ordering::Relaxed),
        }
    }
}

impl Reservation {
    /// Counts the tokens as used, or the estimate where they are unknown.
    pub fn settle(self, used: Option<u64>) {
        self.tokens.used.fetch_add(used.unwrap_or(self.estimate), Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.tokens.reserved.fetch_sub(self.estimate, Ordering::Relaxed);
    }
}
