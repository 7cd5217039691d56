//! Fleets against simulated servers, in virtual time.

mod server;
mod world;

use std::time::Duration;

use self::{
    server::{OPEN, Rules},
    world::{Counts, World, seconds},
};

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

/// Runs fleets of 1, 3 and 8 executors, and asserts that from `from` to `to` they have at least a share of `limit` answers
/// per second, and at most a share of the calls is refused.
fn hold(name: &str, rules: Rules, [from, to]: [f64; 2], limit: f64, [least, refused]: [f64; 2]) {
    for executors in [1, 3, 8] {
        let mut world = World::new(rules, executors);
        world.run_to(from);

        let counts = world.run_to(to);

        let used = counts.answered / (to - from) / limit;
        let share = counts.refused / (counts.refused + counts.answered);
        assert!(
            used >= least && share <= refused,
            "{name}, {executors} executors: {used:.3} of the limit, {share:.4} refused{}",
            history(&world)
        );
    }
}

fn history(world: &World) -> String {
    let line = |change: &runmill_proto::lease::LaneChange| {
        let (at, rate) = (seconds(change.at), change.calls_per_second);
        format!("\n{at:8.2} {:4} {rate:?} {}", change.concurrency, change.reason)
    };
    world.state.changes.iter().map(line).collect()
}

/// Asserts the bar of a steady state: 95 % of the limit, less than 1 % refused.
fn steady(name: &str, rules: Rules, from: f64, limit: f64) {
    hold(name, rules, [from, 300.0], limit, [0.95, 0.01]);
}

#[test]
fn hidden_slots_are_used_and_rarely_exceeded() {
    let slow = Rules { latency: |_| 3.0, ..OPEN };
    steady("8 slots", Rules { slots: |_| 8, ..OPEN }, 60.0, 40.0);
    steady("40 slots", Rules { slots: |_| 40, ..OPEN }, 60.0, 200.0);
    steady("40 slots, retry-after", Rules { slots: |_| 40, retry_after: SECOND, ..OPEN }, 60.0, 200.0);
    steady("300 slots", Rules { slots: |_| 300, ..OPEN }, 60.0, 1500.0);
    steady("8 slow slots", Rules { slots: |_| 8, ..slow }, 60.0, 8.0 / 3.0);
    steady("40 slow slots", Rules { slots: |_| 40, ..slow }, 60.0, 40.0 / 3.0);
    steady("300 slow slots", Rules { slots: |_| 300, ..slow }, 60.0, 100.0);
}

#[test]
fn a_hidden_rate_is_used_and_rarely_exceeded() {
    let rules = Rules { bucket: |_| Some((10.0, 10.0)), ..OPEN };
    steady("10 a second", rules, 60.0, 10.0);
    steady("10 a second, retry-after", Rules { retry_after: SECOND, ..rules }, 60.0, 10.0);
    // A change of the rate shows in the calls in flight three seconds later, so a few more calls are refused.
    let slow = Rules { latency: |_| 3.0, ..rules };
    hold("10 a second, slow", slow, [60.0, 300.0], 10.0, [0.95, 0.02]);
}

/// The starts of one executor are even. Those of several are not, and nobody coordinates them, so that such a limit is
/// used only in part.
#[test]
fn a_rate_without_any_burst_is_held_by_one_executor() {
    let mut world = World::new(Rules { bucket: |_| Some((10.0, 1.0)), ..OPEN }, 1);
    world.run_to(60.0);

    let Counts { answered, refused, .. } = world.run_to(300.0);

    assert!(answered >= 0.95 * 2400.0 && refused <= 0.01 * answered, "{answered} {refused}");
}

/// The first minute's calls are used up in seconds. The rate is known then, and holds from the next minute on.
#[test]
fn a_hidden_sliding_minute_is_used_and_rarely_exceeded() {
    let rules = Rules { per_minute: 600, ..OPEN };
    steady("600 a minute", rules, 120.0, 10.0);
    steady("600 a minute, retry-after", Rules { retry_after: SECOND, ..rules }, 120.0, 10.0);
    steady("600 a minute, slow", Rules { latency: |_| 3.0, ..rules }, 120.0, 10.0);
}

#[test]
fn of_two_hidden_limits_the_lower_one_is_found() {
    let both = Rules { bucket: |_| Some((10.0, 10.0)), latency: |_| 3.0, ..OPEN };
    steady("8 slots", Rules { slots: |_| 8, ..both }, 60.0, 8.0 / 3.0);
    hold("40 slots", Rules { slots: |_| 40, ..both }, [60.0, 300.0], 10.0, [0.95, 0.02]);
}

/// A higher limit is found at the next trial, which can be minutes away; a lower one within seconds. If a limit falls to a
/// quarter, the first refusals after it may be taken for accidents for a while.
#[test]
fn limits_and_latencies_may_change() {
    let at_100 = |name, rules, limit, least| hold(name, rules, [200.0, 400.0], limit, [least, 0.04]);
    let more: fn(f64) -> usize = |now| if now < 100.0 { 40 } else { 80 };
    let fewer: fn(f64) -> usize = |now| if now < 100.0 { 80 } else { 20 };
    at_100("40 slots, then 80", Rules { slots: more, ..OPEN }, 400.0, 0.95);
    at_100("80 slots, then 20", Rules { slots: fewer, ..OPEN }, 100.0, 0.90);
    let faster: fn(f64) -> Option<(f64, f64)> = |now| Some((if now < 100.0 { 10.0 } else { 20.0 }, 10.0));
    let slower: fn(f64) -> Option<(f64, f64)> = |now| Some((if now < 100.0 { 20.0 } else { 10.0 }, 10.0));
    at_100("10 a second, then 20", Rules { bucket: faster, ..OPEN }, 20.0, 0.95);
    at_100("20 a second, then 10", Rules { bucket: slower, ..OPEN }, 10.0, 0.95);
    let slow: fn(f64) -> f64 = |now| if now < 100.0 { 0.2 } else { 3.0 };
    let fast: fn(f64) -> f64 = |now| if now < 100.0 { 3.0 } else { 0.2 };
    at_100("0.2 s, then 3 s", Rules { bucket: |_| Some((10.0, 10.0)), latency: slow, ..OPEN }, 10.0, 0.85);
    at_100("3 s, then 0.2 s", Rules { slots: |_| 40, latency: fast, ..OPEN }, 200.0, 0.95);
}

#[test]
fn without_a_limit_the_ceiling_is_reached() {
    hold("fast", OPEN, [60.0, 90.0], 2560.0, [0.95, 0.0]);
    hold("slow", Rules { latency: |_| 3.0, ..OPEN }, [60.0, 120.0], 512.0 / 3.0, [0.95, 0.0]);
}

/// A server that refuses single calls at random, whatever the load, is used as far as one that does not.
#[test]
fn refusals_by_accident_lower_no_limit() {
    for share in [0.01, 0.03, 0.05] {
        let rules = Rules { accidents: share, ..OPEN };
        hold(&format!("fast, {share}"), rules, [90.0, 300.0], 2560.0, [0.75, 0.08]);
        let slots = Rules { slots: |_| 40, ..rules };
        hold(&format!("40 slots, {share}"), slots, [120.0, 400.0], 200.0, [0.8, 0.25]);
        let slow = Rules { latency: |_| 3.0, ..rules };
        hold(&format!("slow, {share}"), slow, [180.0, 400.0], 512.0 / 3.0, [0.75, 0.08]);
    }
}

/// More calls in flight only wait longer at such a server, so they are not raised to the ceiling.
#[test]
fn a_server_that_does_not_answer_faster_is_not_filled() {
    for (executors, most) in [(1, 16), (3, 256), (8, 300)] {
        let mut world = World::new(Rules { queue_slots: Some(8), ..OPEN }, executors);

        let counts = world.run_to(300.0);

        let concurrency = world.state.adaptive.as_ref().unwrap().concurrency;
        assert!(concurrency <= most && counts.late == 0.0, "{executors}: {counts:?}{}", history(&world));
        assert!(counts.answered >= 0.95 * 40.0 * 300.0, "{executors}: {counts:?}");
    }
}
