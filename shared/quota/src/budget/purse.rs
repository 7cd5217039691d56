/// Slice of one budget in this executor. All amounts are in the unit of the budget.
///
/// Pure: it reads no clock and does no I/O.
#[derive(Clone, Debug, Default)]
pub(super) struct Purse {
    pub limit: u64,
    /// Amount that was used before the store knew the budget.
    pub used_before: u64,
    /// Amount that calls may still reserve. Negative: calls used more than there was.
    available: i64,
    /// Number of calls that have reserved.
    open: u32,
    /// Running mean of the use of a call; `None` before the first.
    mean: Option<u64>,
    /// Estimate of the calls that asked since the last exchange; `None` if none did.
    asked: Option<u64>,
    /// Amount that calls reserved since the last exchange.
    reserved_lately: u64,
    /// Amount that all executors have taken, as the store told last.
    taken: u64,
    /// True if the last exchange granted less than was wanted.
    pub is_short: bool,
    /// Number of exchanges in a row that granted nothing while no call was open.
    dry: u32,
    /// Number of exchanges in a row before which no call asked and none was open.
    idle: u32,
    /// True if a call ended whose use is not known.
    pub is_blind: bool,
}

/// Answer to a call that wants to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// The call may start, and reserves this amount.
    Starts(u64),
    /// A call that is open may give some back, or the next exchange may bring some.
    Waits,
    UsedUp,
}

/// Amounts of an exchange with the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Amount that was spent beyond the slices; negative if it comes back unspent.
    pub spent: i64,
    pub wanted: u64,
}

/// Part of the rest of a budget that all executors together take at once.
const PART: u64 = 4;
/// Size of a slice in uses since the last exchange, so that an executor that dies takes little with it.
const AHEAD: u64 = 10;
/// Number of exchanges without a call after which a slice comes back, and without a grant after which a budget is used
/// up: by then the others have given back theirs.
const PATIENCE: u32 = 2;
/// Weight of the earlier calls in the running mean, of eight.
const MEMORY: u64 = 7;

impl Purse {
    pub fn new(limit: u64) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Decides if a call may start. `estimate` counts until the use of a call is known.
    pub fn offer(&mut self, limit: u64, estimate: Option<u64>) -> Offer {
        if limit != self.limit {
            (self.limit, self.dry, self.is_short) = (limit, 0, false);
        }
        let amount = self.mean.or(estimate);
        self.asked = self.asked.max(Some(amount.unwrap_or(1).max(1)));
        let available = u64::try_from(self.available).unwrap_or(0);
        match amount {
            Some(amount) if amount <= available && available > 0 => Offer::Starts(amount),
            // The last call may use more than there is, and so may the first one whose use nobody can estimate.
            _ if available > 0 && self.open == 0 => Offer::Starts(available),
            _ if self.available <= 0 && self.open == 0 && self.dry >= PATIENCE => Offer::UsedUp,
            _ => Offer::Waits,
        }
    }

    pub fn reserve(&mut self, amount: u64) {
        self.available = self.available.saturating_sub_unsigned(amount);
        self.reserved_lately = self.reserved_lately.saturating_add(amount);
        self.open += 1;
    }

    /// Ends a call. `used` replaces the amount that it had reserved; the amount counts as used if `used` is `None`.
    pub fn settle(&mut self, reserved: u64, used: Option<u64>) {
        self.open = self.open.saturating_sub(1);
        let spent = used.unwrap_or(reserved);
        self.available = self.available.saturating_add_unsigned(reserved).saturating_sub_unsigned(spent);
    }

    /// Adds the use of a call to the running mean.
    pub fn learn(&mut self, used: u64) {
        let mean = self.mean.map_or(used, |mean| {
            (mean.saturating_mul(MEMORY) / (MEMORY + 1)).saturating_add(used.div_ceil(MEMORY + 1))
        });
        self.mean = Some(mean);
    }

    /// Begins an exchange. Returns `None` if there is nothing to exchange. What comes back is gone from here at once, so
    /// that no call can spend it meanwhile.
    pub fn begin_exchange(&mut self, executors: u64, leaves: bool) -> Option<Change> {
        let asked = self.asked.take();
        let lately = std::mem::take(&mut self.reserved_lately);
        self.idle = if asked.is_none() && self.open == 0 { self.idle.saturating_add(1) } else { 0 };
        let change = match self.available {
            i64::MIN..=-1 => Change {
                spent: self.available.saturating_neg(),
                wanted: self.wanted(asked, lately, executors),
            },
            1.. if leaves || self.idle >= PATIENCE => {
                Change { spent: -std::mem::take(&mut self.available), wanted: 0 }
            }
            _ => Change { spent: 0, wanted: self.wanted(asked, lately, executors) },
        };
        (change != Change::default()).then_some(change)
    }

    /// Returns the amount to take, so that a purse from which calls ask has a slice.
    fn wanted(&self, asked: Option<u64>, lately: u64, executors: u64) -> u64 {
        let Some(estimate) = asked else { return 0 };
        let left = self.limit.saturating_sub(self.taken.max(self.used_before));
        let slice = (left / executors.max(1).saturating_mul(PART))
            .min(lately.max(estimate).saturating_mul(AHEAD))
            .max(estimate);
        slice.saturating_sub(u64::try_from(self.available).unwrap_or(0))
    }

    /// Ends an exchange that the store has answered.
    pub fn end_exchange(&mut self, change: Change, granted: u64, taken: u64) {
        let repaid = change.spent.max(0);
        self.available = self.available.saturating_add(repaid).saturating_add_unsigned(granted);
        self.taken = taken;
        self.is_short = granted < change.wanted;
        let is_dry = change.wanted > 0 && granted == 0 && self.open == 0;
        self.dry = if is_dry { self.dry.saturating_add(1) } else { 0 };
    }

    /// Returns true if nothing would be lost with this purse.
    pub const fn is_spare(&self) -> bool {
        self.idle > PATIENCE && self.available == 0 && self.open == 0
    }
}

#[cfg(test)]
mod tests;
