use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// The wall clock, passed to whoever needs the date. Cheap to clone.
///
/// For how long something took or may take, use `tokio::time::Instant`: the wall clock can jump.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(ManualClock),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still.
    pub fn fixed(now: Timestamp) -> Self {
        ManualClock::new(now).clock()
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(clock) => clock.now(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the Clock that everyone else is to ask")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::System => f.write_str("Clock(system)"),
            Source::Manual(clock) => write!(f, "Clock({})", clock.now()),
        }
    }
}

/// A clock that moves when told to, for tests. Its clones, and the [`Clock`]s made from it, move together.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(self.clone()))
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
    fn the_system_clock_knows_the_century() {
        assert!(Clock::system().now() > "2025-01-01T00:00:00Z".parse().unwrap());
    }
}
