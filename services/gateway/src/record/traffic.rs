use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::window::Window;

/// Names counted apart. Calls of further ones are counted together, as `other`.
const NAMES_MAX: usize = 64;

/// Calls of the gateway, of one model, or of one API key, since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Calls that ended.
    pub calls: u64,
    /// Calls that ended, by status; 499 is a caller that hung up.
    pub by_status: BTreeMap<u16, u64>,
    pub in_flight: u64,
    /// The most calls at one time.
    pub in_flight_max: u64,
    /// The most calls that began in any one second, in steps of 10 ms.
    pub per_second_max: u64,
    /// The most calls that began in any 60 seconds, in steps of 10 ms.
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

    /// Calls in flight stay so: they will end.
    pub fn reset(&mut self) {
        *self = Self::new(self.in_flight);
    }

    pub fn view(&self) -> Traffic {
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

/// A counter for each name, up to a bound.
#[derive(Debug)]
pub(super) struct Named {
    places: HashMap<Box<str>, usize>,
    /// The first is for the names beyond the bound.
    counters: Vec<Counter>,
}

impl Named {
    pub fn new() -> Self {
        Self { places: HashMap::new(), counters: vec![Counter::new(0)] }
    }

    /// Where calls of this name are counted, from now on and for ever.
    pub fn place(&mut self, name: &str) -> usize {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        if self.places.len() == NAMES_MAX {
            return 0;
        }
        self.counters.push(Counter::new(0));
        let place = self.counters.len() - 1;
        self.places.insert(name.into(), place);
        place
    }

    pub fn at(&mut self, place: usize) -> &mut Counter {
        &mut self.counters[place]
    }

    pub fn reset(&mut self) {
        self.counters.iter_mut().for_each(Counter::reset);
    }

    /// The names that were called since the last reset.
    pub fn view(&self) -> BTreeMap<String, Traffic> {
        let named = self.places.iter().map(|(name, &place)| (name.to_string(), self.counters[place].view()));
        let other = ("other".to_owned(), self.counters[0].view());
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

        let traffic = counter.view();

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

        assert_eq!(counter.view(), Traffic { in_flight: 1, in_flight_max: 1, ..Traffic::default() });
        counter.end(200);
        assert_eq!(counter.view().calls, 1);
    }

    #[test]
    fn names_beyond_the_bound_are_counted_together() {
        let mut named = Named::new();
        for n in 0..NAMES_MAX + 5 {
            let place = named.place(&format!("m{n}"));
            named.at(place).begin(NOW);
        }

        let view = named.view();

        assert_eq!((view.len(), view["other"].in_flight, view["m0"].in_flight), (NAMES_MAX + 1, 5, 1));
    }
}
