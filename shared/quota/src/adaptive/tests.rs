use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::lease::{LaneState, Signals};

use super::{Observed, cool, later, step};

/// A lane with one executor whose calls wait, 10 s after it began.
struct Lane {
    state: LaneState,
    seen: Observed,
    now: Timestamp,
}

impl Lane {
    fn with(concurrency: u32) -> Self {
        let seen =
            Observed { executors: 1, fleet: 7, waiting: 9, in_flight: concurrency, ..Observed::default() };
        let now = Timestamp::UNIX_EPOCH;
        let mut state = step(&LaneState::default(), &seen, now, 512).unwrap();
        state.adaptive.as_mut().unwrap().concurrency = concurrency;
        Self { state, seen, now: later(now, Duration::from_secs(10)) }
    }

    fn step(&mut self, add: impl Fn(&mut Signals)) -> Option<u32> {
        add(&mut self.seen.sums);
        let next = step(&self.state, &self.seen, self.now, 512)?;
        self.state = next;
        Some(self.state.adaptive.as_ref().unwrap().concurrency)
    }
}

#[test]
fn a_lane_begins_with_eight_calls_or_its_ceiling() {
    for (ceiling, want) in [(512, 8), (3, 3), (0, 1)] {
        let state =
            step(&LaneState::default(), &Observed::default(), Timestamp::UNIX_EPOCH, ceiling).unwrap();
        assert_eq!(state.adaptive.unwrap().concurrency, want);
        assert_eq!(state.changes.len(), 1);
    }
}

#[test]
fn calls_in_flight_double_once_each_was_answered_and_more_wait() {
    let mut lane = Lane::with(8);
    assert_eq!(lane.step(|sums| sums.answered += 7), None, "too few answers");
    assert_eq!(lane.step(|sums| sums.answered += 1), Some(16));
    assert_eq!(lane.step(|_| ()), None, "the same is seen again");

    let mut idle = Lane::with(8);
    idle.seen.waiting = 0;
    assert_eq!(idle.step(|sums| sums.answered += 99), None);
}

#[test]
fn a_lower_ceiling_holds_at_once() {
    let lane = Lane::with(100);

    let state = step(&lane.state, &lane.seen, lane.now, 20).unwrap();

    assert_eq!(state.adaptive.unwrap().concurrency, 20);
}

#[test]
fn a_server_with_errors_gets_no_more_calls_and_no_fewer() {
    let mut lane = Lane::with(8);

    let failing = |sums: &mut Signals| (sums.answered, sums.failed) = (sums.answered + 20, sums.failed + 5);

    assert_eq!(lane.step(failing), Some(8));
    assert_eq!(lane.state.changes.len(), 1, "no limit changed");
}

/// Tests the case of a local server: 2 slots, 64 calls at once, of which most time out before their first token.
#[test]
fn calls_without_a_first_token_beside_answered_ones_are_too_many() {
    let mut lane = Lane::with(64);
    assert_eq!(lane.step(|sums| (sums.answered, sums.late) = (8, 56)), Some(8));
    assert!(lane.state.changes.last().unwrap().reason.contains("no first token"));

    let mut dead = Lane::with(64);
    assert_eq!(dead.step(|sums| sums.late += 64), Some(64), "nobody is answered: the server is down");
}

#[test]
fn a_refusal_cuts_once() {
    let mut lane = Lane::with(64);
    let refused = |sums: &mut Signals| {
        sums.started += 100;
        sums.answered += 60;
        sums.refused += 40;
    };

    assert_eq!(lane.step(refused), Some(45));
    lane.now = later(lane.now, Duration::from_secs(1));
    assert_eq!(lane.step(refused), None, "these calls began before the cut is known everywhere");
    let rate = lane.state.adaptive.as_ref().unwrap().calls_per_second.unwrap();
    assert!((5.9..6.0).contains(&rate), "{rate}");
}

#[test]
fn the_whole_fleet_pauses_as_long_as_the_provider_asks() {
    let mut lane = Lane::with(64);
    lane.seen.retry_after = Some(Duration::from_secs(20));

    lane.step(|sums| (sums.started, sums.answered, sums.refused) = (100, 60, 40));

    let cooldown = lane.state.cooldown.as_ref().unwrap();
    assert_eq!(cooldown.until, later(lane.now, Duration::from_secs(20)));
    assert_eq!(
        cool(&lane.state, lane.now, Duration::from_secs(3), "again"),
        None,
        "it pauses until then anyway"
    );
    let longest = cool(&lane.state, lane.now, Duration::MAX, "for ever").unwrap().cooldown.unwrap();
    assert_eq!(longest.until, later(lane.now, Duration::from_mins(10)));
}

#[test]
fn counts_of_another_fleet_are_not_compared() {
    let mut left = Lane::with(8);
    left.step(|sums| sums.answered += 8);
    left.seen.fleet = 3;
    assert_eq!(left.step(|sums| sums.refused += 1_000), Some(16), "an executor joined, with all its past");

    let mut restarted = Lane::with(8);
    restarted.step(|sums| sums.answered += 8);
    restarted.now = later(restarted.now, Duration::from_secs(1));
    assert_eq!(restarted.step(|sums| *sums = Signals::default()), Some(16));
    assert_eq!(restarted.step(|_| ()), None);
}

#[test]
fn a_state_of_an_earlier_release_is_read() {
    let state: LaneState =
        serde_json::from_str(r#"{"adaptive":{"concurrency":5,"calls_per_second":null}}"#).unwrap();

    let next = step(&state, &Observed::default(), Timestamp::UNIX_EPOCH, 512);

    assert_eq!(next, None);
}
