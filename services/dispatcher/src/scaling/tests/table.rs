//! The need of single moments.

use std::time::Duration;

use runmill_proto::api::LaneBound;

use crate::scaling::{
    lane::{Carried, Lane, LaneLimits},
    need::Work,
};

pub const CARRIED: Carried = Carried { executor_calls: 256, lane_concurrency: 64, executors: 1 };

/// Returns a lane with jobs alone.
pub fn lane(jobs: u64, limits: LaneLimits) -> Lane {
    Lane { jobs, calls: 0, in_flight: 0, is_cooling: false, limits }
}

fn stated(concurrency: u32) -> LaneLimits {
    LaneLimits { concurrency: Some(concurrency), ..LaneLimits::default() }
}

fn found(found: u32) -> LaneLimits {
    LaneLimits { found: Some(found), ..LaneLimits::default() }
}

fn rate(per_second: f64, call_ms: Option<u64>) -> LaneLimits {
    let call_time = call_ms.map(Duration::from_millis);
    LaneLimits { calls_per_second: Some(per_second), call_time, ..stated(100_000) }
}

fn needed(lanes: Vec<Lane>) -> u32 {
    Work { lanes, requests: 0, carried: CARRIED }.executors()
}

#[test]
fn a_lane_needs_what_its_jobs_and_its_limit_allow() {
    let table = [
        (0, stated(1_000), 0, "nothing to do"),
        (1, stated(1_000), 1, "one job"),
        (256, stated(1_000), 1, "just what one carries"),
        (257, stated(1_000), 2, "one more"),
        (1_000_000, stated(1_000), 4, "the limit bounds a large run"),
        (1_000_000, stated(1), 1, "a provider of one call at once"),
        (1_000_000, LaneLimits::default(), 1, "no limit is known: what one executor tries"),
        (1_000_000, found(20), 1, "the fleet found a low limit"),
        (1_000_000, found(64), 2, "the executors limit the calls, so another one is of use"),
        (100, found(64), 2, "up to the jobs"),
        (64, found(64), 1, "one carries all jobs"),
        (1_000_000, rate(10.0, Some(2_000)), 1, "20 calls in flight"),
        (1_000_000, rate(1_000.0, Some(2_000)), 8, "2,000 calls in flight"),
        (1_000_000, rate(100.0, None), 4, "calls of 10 s are assumed"),
        (1_000_000, rate(0.001, Some(10)), 1, "a slow rate still needs one"),
    ];
    for (jobs, limits, want, what) in table {
        assert_eq!(needed(vec![lane(jobs, limits)]), want, "{what}");
    }
}

#[test]
fn what_was_found_below_what_the_executors_try_is_the_providers_limit() {
    let three = Carried { executors: 3, ..CARRIED };
    for (limits, want) in [
        (found(150), (150, LaneBound::Found)),
        (found(192), (384, LaneBound::Executors)),
        (LaneLimits::default(), (64, LaneBound::Executors)),
        (stated(9), (9, LaneBound::Concurrency)),
        (LaneLimits { calls_per_second: Some(2.0), ..found(150) }, (20, LaneBound::Rate)),
    ] {
        assert_eq!(limits.in_flight(&three), want, "{limits:?}");
    }
    // After a start from zero the limit that three executors found is far above what one tries.
    assert_eq!(found(150).in_flight(&CARRIED), (128, LaneBound::Executors));
}

#[test]
fn executors_are_shared_by_lanes() {
    let small = || lane(10, stated(10));
    assert_eq!(needed(vec![small(), small(), small()]), 1);
    assert_eq!(needed((0..26).map(|_| small()).collect()), 2, "260 calls in all");
    assert_eq!(needed(vec![small(), lane(1_000, stated(600))]), 3);
    assert_eq!(needed(vec![lane(1_000, found(100)), lane(1_000, stated(100))]), 2, "128 of 64 each");
}

#[test]
fn clients_calls_and_requests_are_work() {
    let calls = Lane { calls: 3, ..lane(0, stated(100)) };
    assert_eq!(needed(vec![calls]), 1);
    assert_eq!(Work { lanes: Vec::new(), requests: 1, carried: CARRIED }.executors(), 1);
    assert_eq!(needed(Vec::new()), 0);
}

#[test]
fn what_is_in_flight_stays_though_the_limit_is_lower_now() {
    let lowered = Lane { in_flight: 600, ..lane(600, stated(10)) };
    assert_eq!(needed(vec![lowered]), 3);
    let unknown = Lane { in_flight: 5, ..lane(0, stated(10)) };
    assert_eq!((unknown.demand(), needed(vec![unknown])), (5, 1), "calls of a run that has ended");
}

#[test]
fn a_lane_that_cools_down_needs_one_and_what_is_in_flight() {
    let cooling = |in_flight| Lane { is_cooling: true, in_flight, ..lane(1_000_000, stated(1_000)) };
    for (in_flight, want) in [(0, 1), (1, 1), (300, 2)] {
        assert_eq!(needed(vec![cooling(in_flight)]), want, "{in_flight} in flight");
    }
}
