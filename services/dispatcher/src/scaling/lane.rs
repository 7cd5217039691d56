//! Calls that one lane could have in flight, without a clock or I/O.

use std::time::Duration;

use runmill_proto::api::LaneBound;

/// Time that a call is assumed to take as long as none of the lane's runs has told it.
pub const UNKNOWN_CALL: Duration = Duration::from_secs(10);

/// Work and limits of one provider at one moment.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Number of jobs that are in the queue or in flight, or could be fed, within the concurrency and the trial of each run.
    pub jobs: u64,
    /// Number of clients' calls that wait or are in flight.
    pub calls: u64,
    /// Number of calls in flight, those of jobs and of clients.
    pub in_flight: u64,
    /// True if no call can start for a while.
    pub is_cooling: bool,
    pub limits: LaneLimits,
}

/// Limits of a lane for the whole fleet.
#[derive(Clone, Debug, Default)]
pub struct LaneLimits {
    /// Concurrency that the provider states.
    pub concurrency: Option<u32>,
    /// Concurrency that the fleet found, where none is stated.
    pub found: Option<u32>,
    /// Number of calls that may start in a second, stated or found.
    pub calls_per_second: Option<f64>,
    /// Time that a call takes. `None` if no run of the lane has told it.
    pub call_time: Option<Duration>,
}

/// Capacity of all executors together.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// Number of calls in flight that one executor is given, of all lanes together.
    pub executor_calls: u32,
    /// Maximum number of calls in flight per executor in a lane that states no concurrency.
    pub lane_concurrency: u32,
    /// Number of living executors that take work.
    pub executors: u32,
}

impl Lane {
    /// Returns the number of jobs and calls, those in flight included.
    pub const fn demand(&self) -> u64 {
        let known = self.jobs.saturating_add(self.calls);
        if known < self.in_flight { self.in_flight } else { known }
    }

    /// Returns the number of calls that could be in flight now.
    pub fn wanted_in_flight(&self, carried: &Carried) -> u64 {
        let limit = if self.is_cooling { 1 } else { self.limits.in_flight(carried).0 };
        // Calls in flight stay so, also above a limit that was lowered.
        self.demand().min(limit.max(self.in_flight))
    }

    /// Returns the number of executors that could have all of these calls in flight.
    pub fn executors(&self, carried: &Carried) -> u32 {
        let calls = self.wanted_in_flight(carried);
        let each = if self.limits.concurrency.is_some() {
            carried.executor_calls
        } else {
            carried.executor_calls.min(carried.lane_concurrency)
        };
        shares(calls, each)
    }
}

impl LaneLimits {
    /// Returns the number of calls that the limits allow in flight, at least one, and which of them it is.
    pub fn in_flight(&self, carried: &Carried) -> (u64, LaneBound) {
        let by_number = self.by_number(carried);
        match self.by_rate() {
            Some(by_rate) if by_rate < by_number.0 => (by_rate, LaneBound::Rate),
            _ => by_number,
        }
    }

    fn by_number(&self, carried: &Carried) -> (u64, LaneBound) {
        if let Some(stated) = self.concurrency {
            return (u64::from(stated).max(1), LaneBound::Concurrency);
        }
        let each = u64::from(carried.lane_concurrency).max(1);
        // The fleet looks for the limit only up to this number.
        let ceiling = each * u64::from(carried.executors.max(1));
        match self.found.map(u64::from) {
            None => (each, LaneBound::Executors),
            // It is not the provider that limits the calls, so twice as many executors find out more.
            Some(found) if found >= ceiling => (2 * ceiling, LaneBound::Executors),
            Some(found) => (found.max(1), LaneBound::Found),
        }
    }

    /// Returns the number of calls in flight of a rate: by Little's law, the rate times the time of a call.
    fn by_rate(&self) -> Option<u64> {
        let calls = self.calls_per_second? * self.call_time.unwrap_or(UNKNOWN_CALL).as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let calls = calls.ceil() as u64;
        Some(calls.max(1))
    }
}

/// Returns the number of shares of at most `each` into which `calls` can be divided.
pub fn shares(calls: u64, each: u32) -> u32 {
    u32::try_from(calls.div_ceil(u64::from(each.max(1)))).unwrap_or(u32::MAX)
}
