use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts the tokens of one lane in this process.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    reserved: AtomicU64,
    used: AtomicU64,
}

/// Numbers of tokens at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount {
    /// Sum of the estimates of all attempts in flight.
    pub reserved: u64,
    /// Number of tokens used by all attempts that ended since the process started.
    pub used: u64,
}

/// Reserved tokens of one attempt. Dropping this releases them.
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
    /// Counts the tokens as used, or the estimate if they are unknown.
    pub fn settle(self, used: Option<u64>) {
        self.tokens.used.fetch_add(used.unwrap_or(self.estimate), Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.tokens.reserved.fetch_sub(self.estimate, Ordering::Relaxed);
    }
}
