use std::{collections::VecDeque, time::Duration};

/// Seconds that a refusal takes.
const ROUND_TRIP: f64 = 0.02;
/// Seconds without a first token after which a call is given up.
const LATE: f64 = 10.0;

/// Hidden limits and the latency of a server, by the time in seconds.
#[derive(Clone, Copy)]
pub struct Rules {
    pub latency: fn(f64) -> f64,
    pub slots: fn(f64) -> usize,
    /// Calls per second, and the burst.
    pub bucket: fn(f64) -> Option<(f64, f64)>,
    pub per_minute: usize,
    /// Number of calls that are answered at once, while the others wait in a queue.
    pub queue_slots: Option<usize>,
    pub retry_after: Option<Duration>,
    /// Part of the calls that is refused at random.
    pub accidents: f64,
}

pub const OPEN: Rules = Rules {
    latency: |_| 0.2,
    slots: |_| usize::MAX,
    bucket: |_| None,
    per_minute: usize::MAX,
    queue_slots: None,
    retry_after: None,
    accidents: 0.0,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Answered,
    Refused,
    Late,
}

pub struct Server {
    pub rules: Rules,
    in_flight: usize,
    starts: VecDeque<f64>,
    tokens: f64,
    filled_at: f64,
    busy_until: Vec<f64>,
}

impl Server {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            in_flight: 0,
            starts: VecDeque::new(),
            tokens: (rules.bucket)(0.0).map_or(0.0, |(_, burst)| burst),
            filled_at: 0.0,
            busy_until: vec![0.0; rules.queue_slots.unwrap_or(0)],
        }
    }

    /// Returns what becomes of a call that starts at `now`, and after how many seconds. Latencies vary by a tenth, as the
    /// call's number says.
    pub fn call(&mut self, now: f64, number: u32) -> (f64, Fate) {
        let is_accident = noise(number) < self.rules.accidents;
        if is_accident || self.refuses(now) {
            return (ROUND_TRIP, Fate::Refused);
        }
        self.tokens -= 1.0;
        if self.rules.per_minute < usize::MAX {
            self.starts.push_back(now);
        }
        self.in_flight += 1;
        let jitter = 0.9 + 0.02 * f64::from(number.wrapping_mul(2_654_435_761) % 11);
        let latency = (self.rules.latency)(now) * jitter;
        let Some(slot) = self.busy_until.iter_mut().min_by(|a, b| a.total_cmp(b)) else {
            return (latency, Fate::Answered);
        };
        let begin = slot.max(now);
        if begin - now > LATE {
            return (LATE, Fate::Late);
        }
        *slot = begin + latency;
        (begin + latency - now, Fate::Answered)
    }

    /// Ends a call that was not refused.
    pub fn end(&mut self) {
        self.in_flight -= 1;
    }

    fn refuses(&mut self, now: f64) -> bool {
        let bucket = (self.rules.bucket)(now);
        if let Some((rate, burst)) = bucket {
            self.tokens = (self.tokens + (now - self.filled_at) * rate).min(burst);
            self.filled_at = now;
        }
        while self.starts.front().is_some_and(|start| now - start >= 60.0) {
            self.starts.pop_front();
        }
        let empty = bucket.is_some() && self.tokens < 1.0 - 1e-6;
        empty || self.in_flight >= (self.rules.slots)(now) || self.starts.len() >= self.rules.per_minute
    }
}

/// Returns a number in `0.0..1.0` that the call's number gives.
fn noise(number: u32) -> f64 {
    let mixed = (number ^ (number >> 15)).wrapping_mul(0x2c1b_3c6d);
    let mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39);
    f64::from(mixed ^ (mixed >> 15)) / (f64::from(u32::MAX) + 1.0)
}
