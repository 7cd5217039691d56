//! A day of work, with a fleet that follows the wanted number of executors.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runmill_store::Need;

use super::table::{CARRIED, lane};
use crate::scaling::{
    lane::{Carried, LaneLimits},
    need::Work,
    window::Window,
};

const HOLDS: Duration = Duration::from_mins(2);
/// Interval at which the number is asked for, as an autoscaler does.
const STEP_SECONDS: u64 = 5;
/// Time until a new executor takes jobs.
const START_SECONDS: u64 = 40;
const DAY_SECONDS: u64 = 24 * 60 * 60;
/// Number of calls that the provider allows in flight.
const CONCURRENCY: u32 = 1_024;

/// An autoscaler with its executors, and the work that they do. Calls take one step.
struct Day {
    window: Window,
    /// Needs, as the store has them.
    needs: Vec<Need>,
    /// Steps at which executors that were started take jobs.
    starting: Vec<u64>,
    executors: u32,
    jobs: u64,
    /// Number of calls that run on for a long time.
    long_calls: u64,
    /// Number of changes of the number that was asked for.
    events: u32,
    asked: u32,
    /// Longest time, in seconds, in which jobs waited, though the provider would have taken them.
    longest_wait: u64,
    waits: u64,
}

impl Day {
    fn new() -> Self {
        Self {
            window: Window::new(HOLDS),
            needs: Vec::new(),
            starting: Vec::new(),
            executors: 0,
            jobs: 0,
            long_calls: 0,
            events: 0,
            asked: 0,
            longest_wait: 0,
            waits: 0,
        }
    }

    /// Returns the numbers that two dispatchers tell, one after the other.
    fn wanted(&mut self, now: Timestamp) -> u32 {
        let limits = LaneLimits { concurrency: Some(CONCURRENCY), ..LaneLimits::default() };
        let carried = Carried { executors: self.executors, ..CARRIED };
        let work = Work { lanes: vec![lane(self.jobs + self.long_calls, limits)], requests: 0, carried };
        let told = [(); 2].map(|()| {
            let since = self.window.since(now);
            let wanted = self.window.wanted(&self.needs, work.executors(), now);
            self.needs.retain(|need| need.at >= since);
            self.needs.extend(wanted.news);
            wanted.executors
        });
        assert_eq!(told[0], told[1], "the second one tells another number");
        assert!(told[0] >= work.executors(), "less than the work needs");
        assert!(self.needs.len() <= 26, "{} rows", self.needs.len());
        told[0]
    }

    fn step(&mut self, second: u64) {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::try_from(second).unwrap());
        let wanted = self.wanted(now);
        self.events += u32::from(wanted != self.asked);
        self.asked = wanted;
        self.starting.retain(|&at| {
            let is_up = at <= second;
            self.executors += u32::from(is_up);
            !is_up
        });
        let coming = self.executors + u32::try_from(self.starting.len()).unwrap();
        self.starting.extend((coming..wanted).map(|_| second + START_SECONDS));
        // One that drains ends its calls, so its jobs are not lost.
        self.executors = self.executors.min(wanted);
        let room = u64::from((self.executors * CARRIED.executor_calls).min(CONCURRENCY));
        let room = room.saturating_sub(self.long_calls);
        self.waits = if self.jobs > 0 && room == 0 { self.waits + STEP_SECONDS } else { 0 };
        self.longest_wait = self.longest_wait.max(self.waits);
        self.jobs = self.jobs.saturating_sub(room);
    }

    /// Plays the day. `arrivals` returns the number of new jobs at a second.
    fn play(mut self, mut arrivals: impl FnMut(u64) -> u64) -> Self {
        for second in (0..DAY_SECONDS).step_by(usize::try_from(STEP_SECONDS).unwrap()) {
            self.jobs += arrivals(second);
            self.step(second);
        }
        self
    }

    /// Checks that nothing waited longer than the first executor takes to start.
    fn assert_never_starved(&self) {
        let most = START_SECONDS + STEP_SECONDS;
        assert!(self.longest_wait <= most, "jobs waited {} s for an executor", self.longest_wait);
    }
}

/// Returns pseudo-random numbers below `n`. Source: Knuth, "The Art of Computer Programming" volume 2, 3.3.4, line 26.
fn random(state: &mut u64, n: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % n
}

#[test]
fn bursts_of_a_day_start_executors_once_each_and_the_night_stops_them() {
    let mut state = 7;
    let bursts = |second: u64| {
        let is_day = (8..20).contains(&(second / 3600));
        if is_day && second.is_multiple_of(1_800) { 20_000 + random(&mut state, 20_000) } else { 0 }
    };
    let day = Day::new().play(bursts);

    day.assert_never_starved();
    // 24 bursts: up, and down in at most the steps of their ends.
    assert!((48..=24 * 4).contains(&day.events), "{} changes", day.events);
    assert_eq!((day.asked, day.jobs), (0, 0), "nothing runs at night");
}

#[test]
fn steady_work_around_a_boundary_changes_nothing() {
    // Every 30 s the work needs one executor or two by turns, as jobs end and begin.
    let by_turns = |second: u64| if (second / 30).is_multiple_of(2) { 250 } else { 300 };
    let day = Day::new().play(by_turns);

    day.assert_never_starved();
    assert!(day.events <= 5, "{} changes", day.events);
}

#[test]
fn noise_changes_the_number_seldom() {
    let mut state = 11;
    let day = Day::new().play(|_| random(&mut state, 900));

    day.assert_never_starved();
    // The largest need of two minutes of 24 steps is nearly always the same.
    assert!(day.events <= 24 * 6, "{} changes", day.events);
    assert!((3..=4).contains(&day.asked), "{} executors", day.asked);
}

#[test]
fn a_rising_and_falling_load_is_followed_step_by_step() {
    let hill = |second: u64| {
        let hour = second / 3600;
        let height = if hour < 12 { hour } else { 23 - hour };
        height * 90
    };
    let day = Day::new().play(hill);

    day.assert_never_starved();
    assert!(day.events <= 24, "{} changes", day.events);
    assert_eq!(day.asked, 0);
}

#[test]
fn single_jobs_far_apart_start_one_executor_each() {
    let day = Day::new().play(|second| u64::from(second.is_multiple_of(3_600)));

    day.assert_never_starved();
    assert_eq!(day.events, 2 * 24, "up and down, every hour");
}

#[test]
fn a_long_call_keeps_its_executor() {
    let mut day = Day::new();
    day.long_calls = 1;
    let mut least = u32::MAX;
    for second in (0..3_600).step_by(5) {
        day.step(second);
        least = least.min(day.asked);
    }
    assert_eq!((least, day.events), (1, 1));

    day.long_calls = 0;
    for second in (3_600..3_600 + 200).step_by(5) {
        day.step(second);
    }
    assert_eq!((day.asked, day.events), (0, 2));
}
