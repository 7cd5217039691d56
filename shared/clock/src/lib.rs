//! The wall clock. It is a crate of its own, so that the model client, the logs and the services share it without
//! depending on a server.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

/// The wall clock, passed to code that needs the date. Cheap to clone.
///
/// Durations and deadlines are measured with `tokio::time::Instant` instead: the wall clock can jump.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Returns the machine's clock.
    pub fn system() -> Self {
        Self::from_fn(system_now)
    }

    /// Returns a clock that always shows `now`.
    pub fn fixed(now: Timestamp) -> Self {
        Self::from_fn(move || now)
    }

    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

#[expect(clippy::disallowed_methods, reason = "all other code asks this Clock")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// The clock of a server that several processes follow, so that they agree on the time whatever their machines' clocks
/// show. Until the first [`set`](Self::set) it is the machine's clock. Its clones move together.
#[derive(Clone, Debug, Default)]
pub struct ServerClock(Arc<Mutex<Option<Reading>>>);

/// Time of the server, and the moment at which it was read.
#[derive(Clone, Copy, Debug)]
struct Reading {
    shown: Timestamp,
    at: Instant,
}

impl ServerClock {
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }

    /// Sets the clock to the time that the server shows now.
    pub fn set(&self, shown: Timestamp) {
        *self.lock() = Some(Reading { shown, at: Instant::now() });
    }

    fn now(&self) -> Timestamp {
        let reading = *self.lock();
        reading.map_or_else(system_now, |reading| reading.shown + reading.at.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock for tests, which moves only by [`advance`](Self::advance). Its clones, and the [`Clock`]s made from it, move
/// together.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }

    pub fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_stands_still() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_manual_clock_moves_for_everyone_who_holds_it() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let clock = manual.clock();

        manual.advance(Duration::from_secs(90));

        assert_eq!(clock.clone().now().to_string(), "1970-01-01T00:01:30Z");
    }

    #[test]
    fn a_server_clock_goes_on_from_what_the_server_showed() {
        let server = ServerClock::default();
        let clock = server.clock();
        assert!(clock.now() > "2025-01-01T00:00:00Z".parse().unwrap(), "it is the machine's at first");

        server.set(Timestamp::UNIX_EPOCH);

        let first = clock.now();
        assert!(first >= Timestamp::UNIX_EPOCH && first < "1971-01-01T00:00:00Z".parse().unwrap());
        assert!(clock.now() >= first);
    }

    #[test]
    fn the_system_clock_knows_the_century() {
        assert!(Clock::system().now() > "2025-01-01T00:00:00Z".parse().unwrap());
    }
}
