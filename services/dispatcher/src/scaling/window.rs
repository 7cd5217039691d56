//! Keeps the number of executors from falling for a while, so that none is stopped between two bursts of work.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runmill_store::Need;

/// Number of intervals of the scale-down time whose largest needs are kept.
const INTERVALS: u32 = 12;
/// Shortest interval.
const SHORTEST: Duration = Duration::from_secs(1);

/// Time for which a need holds after it was last seen.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    holds: SignedDuration,
    interval: SignedDuration,
}

/// Number of executors that should run, and what the store has to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub executors: u32,
    /// Need that the other dispatchers do not know of yet.
    pub news: Option<Need>,
}

impl Window {
    pub fn new(holds: Duration) -> Self {
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Self { holds: signed(holds), interval: signed((holds / INTERVALS).max(SHORTEST)) }
    }

    /// Returns the start of the oldest interval whose needs hold at `now`.
    pub fn since(&self, now: Timestamp) -> Timestamp {
        self.start(now.saturating_sub(self.holds).unwrap_or(Timestamp::MIN))
    }

    /// Returns the largest need that holds at `now`. `known` are the needs since [`Window::since`], as the store has them.
    pub fn wanted(&self, known: &[Need], needed: u32, now: Timestamp) -> Wanted {
        let (since, at) = (self.since(now), self.start(now));
        let before = known.iter().filter(|need| need.at >= since).map(|need| need.executors).max();
        let is_known = known.iter().any(|need| need.at == at && need.executors >= needed);
        Wanted {
            executors: needed.max(before.unwrap_or(0)),
            news: (needed > 0 && !is_known).then_some(Need { at, executors: needed }),
        }
    }

    /// Returns the start of the interval of `moment`.
    fn start(&self, moment: Timestamp) -> Timestamp {
        let into = moment.as_nanosecond().rem_euclid(self.interval.as_nanos().max(1));
        let into = SignedDuration::from_nanos_i128(into);
        moment.saturating_sub(into).unwrap_or(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_mins(2);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_760_000_000 + seconds).unwrap()
    }

    fn need(seconds: i64, executors: u32) -> Need {
        Need { at: at(seconds), executors }
    }

    #[test]
    fn a_need_holds_for_the_whole_time_after_its_interval() {
        let window = Window::new(WINDOW);
        let known = [need(0, 5), need(10, 3)];
        // A need of the interval from 0 to 10 may have been seen at its end.
        for (now, want) in [(0, 5), (9, 5), (125, 5), (129, 5), (130, 3), (139, 3), (140, 0), (9_999, 0)] {
            assert_eq!(window.wanted(&known, 0, at(now)).executors, want, "{now} s");
        }
        assert_eq!(window.wanted(&known, 9, at(20)).executors, 9, "more is wanted at once");
    }

    #[test]
    fn only_what_is_new_is_recorded() {
        let window = Window::new(WINDOW);
        for (known, needed, want) in [
            (&[][..], 0, None),
            (&[], 2, Some(need(20, 2))),
            (&[need(20, 2)], 2, None),
            (&[need(20, 2)], 1, None),
            (&[need(20, 2)], 3, Some(need(20, 3))),
            (&[need(10, 9)], 2, Some(need(20, 2))),
        ] {
            assert_eq!(window.wanted(known, needed, at(27)).news, want, "{known:?} {needed}");
        }
    }

    #[test]
    fn a_short_time_has_intervals_of_a_second() {
        let window = Window::new(Duration::from_secs(2));
        let known = [need(0, 1)];
        let wanted = |now| window.wanted(&known, 0, at(now)).executors;
        assert_eq!([0, 1, 2, 3].map(wanted), [1, 1, 1, 0]);
    }
}
