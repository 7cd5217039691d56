use std::{collections::BTreeMap, time::Duration};

use runmill_proto::lease::Resource;

/// Rate with which calls may start, or tokens be spent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Calls or tokens per second.
    pub per_second: f64,
    /// Number of calls or tokens that may go at once after a pause.
    pub burst: f64,
}

/// Limit of one resource, divided into equal slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    slots: u32,
    /// Pace of one slot. `None` if a slot is a call in flight.
    slot: Option<Pace>,
}

/// Limits that a provider states for its account or for a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stated {
    /// Number of calls in flight.
    pub concurrency: Option<u32>,
    /// Calls per minute.
    pub rpm: Option<u32>,
    /// Calls per second.
    pub rps: Option<f64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
}

/// Time for which executors in need keep a slot, if there are fewer slots than such executors.
const TURN: Duration = Duration::from_secs(10);
/// Number of calls for which a turn lasts at least. A new slot begins without a call, so the first takes up to one more.
const CALLS_PER_TURN: f64 = 3.0;
/// Longest turn, for the slowest rates.
const TURN_MAX: Duration = Duration::from_hours(1);

/// Largest burst, in calls, of a rate of less than 80 calls per second.
const SMALL_BURST: f64 = 8.0;
/// Time in seconds of whose calls the burst of a higher rate consists.
const CALL_BURST_SECONDS: f64 = 0.1;
/// Time in seconds of whose tokens the burst of tokens consists.
const TOKEN_BURST_SECONDS: f64 = 2.0;
/// Tokens per minute that make one more slot.
const TOKENS_PER_SLOT: u64 = 20_000;
const TOKEN_SLOTS_MAX: u64 = 32;

impl Limit {
    /// Limits the calls in flight. A slot is one call.
    pub const fn concurrency(calls: u32) -> Self {
        Self { slots: calls, slot: None }
    }

    /// Limits the calls that start. Each slot has a burst of one call, so the number of slots is the burst of all.
    pub fn calls(per_second: f64) -> Self {
        let burst = (per_second * CALL_BURST_SECONDS).ceil().max(per_second.floor().min(SMALL_BURST));
        Self::rate(count(burst), |slots| Pace { per_second: per_second / slots, burst: 1.0 })
    }

    /// Limits the tokens. The burst of all slots is the tokens of two seconds.
    pub fn tokens(per_minute: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a limit on tokens is below 2^53")]
        let per_second = per_minute as f64 / 60.0;
        let slots = (per_minute / TOKENS_PER_SLOT).clamp(1, TOKEN_SLOTS_MAX);
        let slots = u32::try_from(slots).expect("it is clamped");
        Self::rate(slots, |slots| {
            let per_second = per_second / slots;
            Pace { per_second, burst: per_second * TOKEN_BURST_SECONDS }
        })
    }

    fn rate(slots: u32, of_each: impl FnOnce(f64) -> Pace) -> Self {
        Self { slots, slot: Some(of_each(f64::from(slots))) }
    }

    pub const fn slots(&self) -> u32 {
        self.slots
    }

    /// Returns what `granted` slots are worth. `None` if a slot is a call in flight.
    pub fn pace(&self, granted: u32) -> Option<Pace> {
        let slots = f64::from(granted);
        self.slot.map(|slot| Pace { per_second: slot.per_second * slots, burst: slot.burst * slots })
    }

    /// Returns the time for which executors in need keep a slot, if there are fewer slots than such executors. It is
    /// from 10 s to 1 h.
    pub(super) fn turn(&self) -> Duration {
        let Some(slot) = self.slot else { return TURN };
        let calls = Duration::try_from_secs_f64(CALLS_PER_TURN * slot.burst / slot.per_second);
        calls.map_or(TURN_MAX, |calls| calls.clamp(TURN, TURN_MAX))
    }
}

impl Stated {
    /// Returns the limits of the resources that are limited.
    pub fn limits(&self) -> BTreeMap<Resource, Limit> {
        let limits = [
            (Resource::Concurrency, self.concurrency.map(Limit::concurrency)),
            (Resource::CallsPerMinute, self.rpm.map(|rpm| Limit::calls(f64::from(rpm) / 60.0))),
            (Resource::CallsPerSecond, self.rps.map(Limit::calls)),
            (Resource::TokensPerMinute, self.tpm.map(Limit::tokens)),
        ];
        limits.into_iter().filter_map(|(resource, limit)| Some((resource, limit?))).collect()
    }
}

/// Returns a positive number of slots.
fn count(slots: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast to an integer saturates"
    )]
    let slots = slots as u32;
    slots.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_calls_has_as_many_slots_as_its_burst() {
        for (per_second, slots) in [
            (0.001, 1),
            (0.9, 1),
            (1.0, 1),
            (2.5, 2),
            (8.0, 8),
            (10.0, 8),
            (80.0, 8),
            (81.0, 9),
            (1e6, 100_000),
        ] {
            let limit = Limit::calls(per_second);
            let all = limit.pace(limit.slots()).unwrap();
            assert_eq!((limit.slots(), all.burst), (slots, f64::from(slots)), "{per_second}");
            assert!((all.per_second / per_second - 1.0).abs() < 1e-9, "{per_second}");
        }
    }

    #[test]
    fn tokens_have_a_burst_of_two_seconds() {
        for (per_minute, slots) in [(1, 1), (39_999, 1), (40_000, 2), (640_000, 32), (1_000_000_000_000, 32)]
        {
            let limit = Limit::tokens(per_minute);
            let all = limit.pace(limit.slots()).unwrap();
            assert_eq!(limit.slots(), slots, "{per_minute}");
            assert!((all.burst / all.per_second - 2.0).abs() < 1e-9, "{per_minute}");
        }
    }

    #[test]
    fn only_what_is_stated_is_limited() {
        let stated = Stated { concurrency: Some(20), rpm: Some(600), ..Stated::default() };

        let limits = stated.limits();

        let slots: Vec<_> = limits.iter().map(|(resource, limit)| (*resource, limit.slots())).collect();
        assert_eq!(slots, [(Resource::Concurrency, 20), (Resource::CallsPerMinute, 8)]);
        assert_eq!(limits[&Resource::Concurrency].pace(7), None);
    }

    #[test]
    fn a_turn_is_long_enough_for_some_calls() {
        for (limit, seconds) in [
            (Limit::concurrency(1), 10),
            (Limit::calls(1.0), 10),
            (Limit::calls(0.1), 30),
            (Limit::calls(0.001), 3_000),
            (Limit::calls(f64::MIN_POSITIVE), 3_600),
            (Limit::tokens(1), 10),
        ] {
            assert_eq!(limit.turn().as_secs(), seconds, "{limit:?}");
        }
    }
}
