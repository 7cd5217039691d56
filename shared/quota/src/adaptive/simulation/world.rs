use std::{cmp::Ordering, collections::BinaryHeap, time::Duration};

use jiff::Timestamp;
use runmill_proto::lease::{Holding, LaneState, Resource, Share};

use super::server::{Fate, Rules, Server};
use crate::adaptive::{Observed, REFUSED_SLOT_REST, step};

const HEARTBEAT: f64 = 2.0;
/// Shortest time between two exchanges of an executor, and the time between its looks at the lane.
const LOOK: f64 = 0.25;
pub const CEILING: u32 = 512;

/// A fleet with more calls to make than it may, at a server.
pub struct World {
    now: f64,
    server: Server,
    executors: Vec<Executor>,
    /// State of the lane, and the shares of all executors, in the store.
    pub state: LaneState,
    rows: Vec<Share>,
    events: BinaryHeap<Event>,
    number: u32,
    counts: Counts,
}

/// Counts of a span of time.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub answered: f64,
    pub refused: f64,
    pub late: f64,
}

#[derive(Default)]
struct Executor {
    share: Share,
    in_flight: u32,
    slots: u32,
    /// Calls per second, and the burst.
    rate: Option<(f64, f64)>,
    tokens: f64,
    filled_at: f64,
    paused_until: f64,
    was_refused: bool,
    last_beat: f64,
    next_beat: f64,
    /// True if an event will open the gate.
    waits: bool,
    /// State of the lane and rows of the others, as of its newest exchange.
    known: (LaneState, Vec<Share>),
}

#[derive(Clone, Copy, Debug)]
enum What {
    Ended(Fate),
    Rested,
    GateOpens,
    Look,
}

#[derive(Debug)]
struct Event {
    at: f64,
    number: u32,
    executor: usize,
    what: What,
}

impl World {
    pub fn new(rules: Rules, executors: u32) -> Self {
        let count = usize::try_from(executors).unwrap();
        let mut world = Self {
            now: 0.0,
            server: Server::new(rules),
            executors: (0..count).map(|_| Executor::default()).collect(),
            state: LaneState::default(),
            rows: vec![Share::default(); count],
            events: BinaryHeap::new(),
            number: 0,
            counts: Counts::default(),
        };
        for executor in 0..executors {
            world.push(0.031 * f64::from(executor), usize::try_from(executor).unwrap(), What::Look);
        }
        world
    }

    /// Runs until `end`, and returns the counts of that time.
    pub fn run_to(&mut self, end: f64) -> Counts {
        self.counts = Counts::default();
        while self.events.peek().is_some_and(|event| event.at <= end) {
            let event = self.events.pop().unwrap();
            self.now = event.at;
            self.happen(&event);
        }
        self.counts
    }

    fn push(&mut self, after: f64, executor: usize, what: What) {
        self.number += 1;
        self.events.push(Event { at: self.now + after, number: self.number, executor, what });
    }

    fn happen(&mut self, event: &Event) {
        match event.what {
            What::Ended(fate) => self.end_call(event.executor, fate),
            What::Rested => self.executors[event.executor].in_flight -= 1,
            What::GateOpens => self.executors[event.executor].waits = false,
            What::Look => return self.look(event.executor),
        }
        self.start_calls(event.executor);
    }

    fn end_call(&mut self, index: usize, fate: Fate) {
        let executor = &mut self.executors[index];
        match fate {
            Fate::Answered => {
                executor.share.signals.answered += 1;
                self.counts.answered += 1.0;
            }
            Fate::Late => {
                executor.share.signals.late += 1;
                self.counts.late += 1.0;
            }
            Fate::Refused => {
                executor.share.signals.refused += 1;
                self.counts.refused += 1.0;
                executor.was_refused = true;
                executor.next_beat = executor.next_beat.min(executor.last_beat + LOOK);
                if executor.next_beat <= self.now {
                    self.exchange(index);
                }
                return self.push(REFUSED_SLOT_REST.as_secs_f64(), index, What::Rested);
            }
        }
        executor.in_flight -= 1;
        self.server.end();
    }

    /// Makes an exchange if a heartbeat is due, or if the lane would change as far as the executor knows.
    fn look(&mut self, index: usize) {
        let (state, mut rows) = self.executors[index].known.clone();
        if let Some(own) = rows.get_mut(index) {
            *own = self.row(index);
        }
        let changes = || step(&state, &self.seen(&rows, index), self.timestamp(), CEILING).is_some();
        if self.executors[index].next_beat <= self.now || changes() {
            self.exchange(index);
        }
        self.start_calls(index);
        self.push(LOOK, index, What::Look);
    }

    fn exchange(&mut self, index: usize) {
        self.rows[index] = self.row(index);
        let seen = self.seen(&self.rows, index);
        if let Some(next) = step(&self.state, &seen, self.timestamp(), CEILING) {
            self.state = next;
        }
        let adaptive = self.state.adaptive.as_ref().unwrap();
        assert!((1..=CEILING).contains(&adaptive.concurrency) && self.state.changes.len() <= 50);
        let (count, place) = (u32::try_from(self.rows.len()).unwrap(), u32::try_from(index).unwrap());
        let holders = f64::from(count.min(adaptive.concurrency));
        let executor = &mut self.executors[index];
        executor.slots = adaptive.concurrency / count + u32::from(place < adaptive.concurrency % count);
        if executor.rate.is_none() {
            (executor.tokens, executor.filled_at) = (0.0, self.now);
        }
        executor.rate = adaptive.calls_per_second.map(|rate| {
            let burst = (rate / 10.0).ceil().max(rate.floor().min(8.0)).max(1.0);
            (rate / holders, (burst / holders).max(1.0))
        });
        executor.paused_until = self.state.cooldown.as_ref().map_or(0.0, |cooldown| seconds(cooldown.until));
        executor.was_refused = false;
        (executor.last_beat, executor.next_beat) = (self.now, self.now + HEARTBEAT);
        executor.known = (self.state.clone(), self.rows.clone());
    }

    fn row(&self, index: usize) -> Share {
        let executor = &self.executors[index];
        let holding = Holding { used: executor.in_flight, ..Holding::default() };
        Share { resources: [(Resource::Concurrency, holding)].into(), waiting: 9, ..executor.share.clone() }
    }

    fn seen(&self, rows: &[Share], index: usize) -> Observed {
        let mut seen = Observed::default();
        for (n, row) in rows.iter().enumerate() {
            seen.add(&n.to_string(), row);
        }
        seen.retry_after = self.server.rules.retry_after.filter(|_| self.executors[index].was_refused);
        seen
    }

    fn start_calls(&mut self, index: usize) {
        while self.executors[index].in_flight < self.executors[index].slots {
            let executor = &mut self.executors[index];
            let wait = executor.wait(self.now);
            if wait > 0.0 {
                if !std::mem::replace(&mut executor.waits, true) {
                    self.push(wait + 1e-6, index, What::GateOpens);
                }
                return;
            }
            executor.in_flight += 1;
            executor.share.signals.started += 1;
            executor.share.signals.saturated += 1;
            let (after, fate) = self.server.call(self.now, self.number);
            self.push(after, index, What::Ended(fate));
        }
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs_f64(self.now)
    }
}

impl Executor {
    /// Returns the seconds until a call may start; 0 takes a token of the rate.
    fn wait(&mut self, now: f64) -> f64 {
        if now < self.paused_until {
            return self.paused_until - now;
        }
        let Some((rate, burst)) = self.rate else { return 0.0 };
        self.tokens = (self.tokens + (now - self.filled_at) * rate).min(burst);
        self.filled_at = now;
        if self.tokens < 1.0 - 1e-9 {
            return (1.0 - self.tokens) / rate;
        }
        self.tokens -= 1.0;
        0.0
    }
}

pub fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at).then(other.number.cmp(&self.number))
    }
}
