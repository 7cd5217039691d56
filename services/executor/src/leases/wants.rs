//! Number of slots that this executor could use.

use runmill_proto::lease::Resource;
use runmill_quota::{ScopeUse, lease::Limit};

/// Returns the number of slots that would be of use.
///
/// One that was short of slots since the last look could use all. Others keep what they used at most and a quarter, so that
/// a few calls more start at once; an idle one keeps one, for its first call.
///
/// * `started_per_second`: attempts since the last look.
pub fn wants(resource: Resource, limit: &Limit, usage: &ScopeUse, started_per_second: f64) -> u32 {
    let all = limit.slots();
    if usage.short_of.contains(&resource) {
        return all;
    }
    let used = match (resource, limit.pace(1)) {
        (Resource::Concurrency, _) | (_, None) => usage.peak.max(usage.in_flight),
        // The tokens of a call differ, so a call in flight keeps its share of them.
        (Resource::TokensPerMinute, Some(_)) => usage.peak.max(usage.in_flight).min(all),
        (_, Some(slot)) => slots_for(started_per_second, slot.per_second),
    };
    used.saturating_add((used / 4).max(1)).min(all)
}

/// Returns the number of slots that an executor needs which takes no more jobs: for its calls, and for those that wait. It
/// keeps one until its last job has ended, because a job between two attempts is neither.
pub fn rest(limit: &Limit, usage: &ScopeUse, draining: bool) -> u32 {
    let calls = usage.in_flight.saturating_add(usage.waiting);
    calls.max(u32::from(draining)).min(limit.slots())
}

fn slots_for(rate: f64, of_slot: f64) -> u32 {
    let slots = (rate / of_slot).ceil().max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast to an integer saturates"
    )]
    let slots = slots as u32;
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(peak: u32, short_of: &[Resource]) -> ScopeUse {
        ScopeUse { peak, short_of: short_of.to_vec(), ..ScopeUse::default() }
    }

    #[test]
    fn who_is_short_wants_all_and_who_is_idle_keeps_one() {
        let limit = Limit::concurrency(64);
        for (peak, want) in [(0, 1), (1, 2), (8, 10), (40, 50), (64, 64)] {
            assert_eq!(wants(Resource::Concurrency, &limit, &usage(peak, &[]), 0.0), want, "{peak}");
        }
        assert_eq!(wants(Resource::Concurrency, &limit, &usage(3, &[Resource::Concurrency]), 0.0), 64);
        assert_eq!(wants(Resource::Concurrency, &limit, &usage(3, &[Resource::CallsPerMinute]), 0.0), 4);
    }

    #[test]
    fn a_rate_is_wanted_as_far_as_calls_start() {
        // Ten calls per second in eight slots.
        let limit = Limit::calls(10.0);
        for (rate, want) in [(0.0, 1), (1.0, 2), (5.0, 5), (9.0, 8)] {
            assert_eq!(wants(Resource::CallsPerMinute, &limit, &usage(9, &[]), rate), want, "{rate}");
        }
    }
}
