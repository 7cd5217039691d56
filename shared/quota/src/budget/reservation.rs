use std::sync::Arc;

use super::{BudgetKey, Purses};

/// Amounts that one attempt has reserved. If it is dropped without [`settle`](Self::settle), they count as used.
#[derive(Debug)]
#[must_use = "a reservation counts as used when it is dropped"]
pub struct Reservation {
    purses: Arc<Purses>,
    parts: Vec<(BudgetKey, u64)>,
}

/// Use of one attempt. An amount that is not known is `None`, and the estimate counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallUse {
    pub calls: u64,
    pub tokens: Option<u64>,
    /// Cost in billionths of a US dollar.
    pub nanousd: Option<u64>,
    /// True if the attempt has an answer. Its cost is then never estimated: if it is not known, it never will be.
    pub is_answered: bool,
}

impl CallUse {
    /// Use of an attempt that did not reach the provider.
    pub const NOTHING: Self = Self { calls: 0, tokens: Some(0), nanousd: Some(0), is_answered: false };
    /// Use of an attempt about which nothing is known.
    const UNKNOWN: Self = Self { calls: 1, tokens: None, nanousd: None, is_answered: false };
}

impl Reservation {
    pub(super) const fn new(purses: Arc<Purses>, parts: Vec<(BudgetKey, u64)>) -> Self {
        Self { purses, parts }
    }

    /// Replaces the estimates by the use.
    pub fn settle(mut self, used: CallUse) {
        self.purses.settle(&std::mem::take(&mut self.parts), used);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.parts.is_empty() {
            self.purses.settle(&self.parts, CallUse::UNKNOWN);
        }
    }
}
