//! Limits that a provider does not state, found from what the fleet's calls meet.
//!
//! [`step`] is a pure function of the lane's state and of what an executor sees. Any executor may call it, as often as
//! it likes; of several that step from one state, the store accepts one. There are two candidates for what holds the
//! provider's hidden limit, calls in flight and calls per second, and a search for each. Only one of them is
//! raised at a time, so that a refusal tells which of the two it was.

mod controller;
mod observed;
mod search;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runmill_proto::lease::{Adaptive, Cooldown, LaneChange, LaneState, Mark};

use self::controller::{Controller, Outcome};
pub use self::observed::Observed;

/// Time for which an executor must leave the slot of a refused call empty. Otherwise the next call is refused in it, and
/// many more, before the fleet knows of the first.
pub const REFUSED_SLOT_REST: Duration = Duration::from_millis(500);

/// Number of calls in flight with which a lane begins.
const START: u32 = 8;
/// Maximum number of changes that a lane remembers.
const CHANGES_MAX: usize = 50;
/// Longest pause of the fleet for which a provider can ask.
const PAUSE_MAX: Duration = Duration::from_mins(10);

/// Returns the lane's next state, or `None` if nothing changes. `now` is the store's time, and `ceiling` the highest
/// number of calls in flight, at least 1.
pub fn step(state: &LaneState, seen: &Observed, now: Timestamp, ceiling: u32) -> Option<LaneState> {
    let ceiling = ceiling.max(1);
    let Some(adaptive) = &state.adaptive else {
        return Some(begin(state, seen, now, ceiling));
    };
    let (adaptive, outcome) = Controller::new(adaptive.clone(), seen, now, ceiling).decide()?;
    let mut next = LaneState { adaptive: Some(adaptive), ..state.clone() };
    if let Outcome::Changed { reason, pause } = outcome {
        remember(&mut next, now, &reason);
        if let Some(pause) = pause {
            next = cool(&next, now, pause, &reason).unwrap_or(next);
        }
    }
    Some(next)
}

/// Returns the lane's state with a pause of the whole fleet of at most 10 minutes, or `None` if it pauses until then
/// anyway.
pub fn cool(state: &LaneState, now: Timestamp, pause: Duration, reason: &str) -> Option<LaneState> {
    let until = later(now, pause.min(PAUSE_MAX));
    if state.cooldown.as_ref().is_some_and(|cooldown| cooldown.until >= until) {
        return None;
    }
    let cooldown = Some(Cooldown { until, reason: reason.to_owned() });
    Some(LaneState { cooldown, ..state.clone() })
}

fn begin(state: &LaneState, seen: &Observed, now: Timestamp, ceiling: u32) -> LaneState {
    let concurrency = START.min(ceiling);
    let mark = Mark { at: now, sums: seen.sums, fleet: seen.fleet };
    let adaptive = Adaptive {
        concurrency,
        concurrency_search: search::fast(concurrency.into()),
        mark,
        base: mark,
        ..Adaptive::default()
    };
    let mut next = LaneState { adaptive: Some(adaptive), ..state.clone() };
    remember(&mut next, now, "The provider states no limit");
    next
}

fn remember(state: &mut LaneState, at: Timestamp, reason: &str) {
    let Some(Adaptive { concurrency, calls_per_second, .. }) = state.adaptive else { return };
    state.changes.push(LaneChange { at, concurrency, calls_per_second, reason: reason.to_owned() });
    let surplus = state.changes.len().saturating_sub(CHANGES_MAX);
    state.changes.drain(..surplus);
}

fn later(now: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    now.saturating_add(duration).unwrap_or(Timestamp::MAX)
}
