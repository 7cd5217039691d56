use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::window::Window;

/// Maximum number of names that are counted separately. Calls of further names are counted together, as `other`.
const NAMES_MAX: usize = 64;

/// Counts of calls of the whole gateway, of one model or of one API key, since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Number of calls that ended.
    pub calls: u64,
    /// Number of calls that ended, by status. Status 499 means that the caller hung up.
    pub by_status: BTreeMap<u16, u64>,
    pub in_flight: u64,
    /// Highest number of calls in flight at one time.
    pub in_flight_max: u64,
    /// Highest number of calls that began within one second, for seconds that start every 10 ms.
    pub per_second_max: u64,
    /// Highest number of calls that began within 60 seconds, for minutes that start every 10 ms.
    pub per_minute_max: u64,
}

#[derive(Debug)]
pub(super) struct Counter {
    ended: u64,
    by_status: BTreeMap<u16, u64>,
    in_flight: u64,
    in_flight_max: u64,
    second: Window,
    minute: Window,
}

impl Counter {
    pub fn new(in_flight: u64) -> Self {
        Self {
            ended: 0,
            by_status: BTreeMap::new(),
            in_flight,
            in_flight_max: in_flight,
            second: Window::of(Duration::from_secs(1)),
            minute: Window::of(Duration::from_mins(1)),
        }
    }

    pub fn begin(&mut self, at: Duration) {
        self.in_flight += 1;
        self.in_flight_max = self.in_flight_max.max(self.in_flight);
        self.second.add(at);
        self.minute.add(at);
    }

    pub fn end(&mut self, status: u16) {
        self.in_flight -= 1;
        self.ended += 1;
        *self.by_status.entry(status).or_default() += 1;
    }

    /// Resets the counts. Calls in flight stay counted, because they will still end.
    pub fn reset(&mut self) {
        *self = Self::new(self.in_flight);
    }

    pub fn snapshot(&self) -> Traffic {
        Traffic {
            calls: self.ended,
            by_status: self.by_status.clone(),
            in_flight: self.in_flight,
            in_flight_max: self.in_flight_max,
            per_second_max: self.second.max(),
            per_minute_max: self.minute.max(),
        }
    }
}

/// One counter for each name, up to a maximum number of names.
#[derive(Debug)]
pub(super) struct CountersByName {
    indices: HashMap<Box<str>, usize>,
    /// Counters, the first of which is for the names beyond the maximum.
    counters: Vec<Counter>,
}

impl CountersByName {
    pub fn new() -> Self {
        Self { indices: HashMap::new(), counters: vec![Counter::new(0)] }
    }

    /// Returns the index of the name's counter, which never changes.
    pub fn index(&mut self, name: &str) -> usize {
        if let Some(&index) = self.indices.get(name) {
            return index;
        }
        if self.indices.len() == NAMES_MAX {
            return 0;
        }
        self.counters.push(Counter::new(0));
        let index = self.counters.len() - 1;
        self.indices.insert(name.into(), index);
        index
    }

    pub fn at(&mut self, index: usize) -> &mut Counter {
        &mut self.counters[index]
    }

    pub fn reset(&mut self) {
        self.counters.iter_mut().for_each(Counter::reset);
    }

    /// Returns the counts of the names that were called since the last reset.
    pub fn snapshot(&self) -> BTreeMap<String, Traffic> {
        let named =
            self.indices.iter().map(|(name, &index)| (name.to_string(), self.counters[index].snapshot()));
        let other = ("other".to_owned(), self.counters[0].snapshot());
        named.chain([other]).filter(|(_, traffic)| traffic.calls + traffic.in_flight > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn the_highest_concurrency_is_kept() {
        let mut counter = Counter::new(0);
        for _ in 0..3 {
            counter.begin(NOW);
        }
        counter.end(200);
        counter.end(429);
        counter.begin(NOW);

        let traffic = counter.snapshot();

        assert_eq!((traffic.in_flight, traffic.in_flight_max, traffic.calls), (2, 3, 2));
        assert_eq!(traffic.by_status, BTreeMap::from([(200, 1), (429, 1)]));
        assert_eq!((traffic.per_second_max, traffic.per_minute_max), (4, 4));
    }

    #[test]
    fn a_reset_keeps_what_is_in_flight() {
        let mut counter = Counter::new(0);
        counter.begin(NOW);
        counter.begin(NOW);
        counter.end(200);

        counter.reset();

        assert_eq!(counter.snapshot(), Traffic { in_flight: 1, in_flight_max: 1, ..Traffic::default() });
        counter.end(200);
        assert_eq!(counter.snapshot().calls, 1);
    }

    #[test]
    fn names_beyond_the_bound_are_counted_together() {
        let mut named = CountersByName::new();
        for n in 0..NAMES_MAX + 5 {
            let index = named.index(&format!("m{n}"));
            named.at(index).begin(NOW);
        }

        let view = named.snapshot();

        assert_eq!((view.len(), view["other"].in_flight, view["m0"].in_flight), (NAMES_MAX + 1, 5, 1));
    }
}
