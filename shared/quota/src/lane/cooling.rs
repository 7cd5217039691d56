use std::time::Duration;

use tokio::time::Instant;

/// Refusal of a provider, or its word that nothing is left, for the other executors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Time before which no attempt should start.
    pub until: Instant,
    pub reason: String,
}

/// Computes the pauses after refusals.
#[derive(Debug, Default)]
pub(super) struct Cooling {
    /// Number of pauses in a row after which the provider still refused.
    in_a_row: u32,
    /// End of the last pause.
    until: Option<Instant>,
    untold: Option<Refusal>,
}

/// First pause after a refusal without a stated delay. It doubles up to the longest while the provider refuses. It is
/// short, because some servers refuse single calls at random.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_LONGEST: Duration = Duration::from_secs(8);

/// Longest stated delay that is kept. After it, an attempt asks the provider again. Jobs wait unacked meanwhile, for
/// which a broker allows half an hour.
pub(super) const DELAY_MAX: Duration = Duration::from_mins(10);

/// Shortest pause that other executors are told. A shorter one is over before they know.
const TOLD_FROM: Duration = Duration::from_secs(1);

impl Cooling {
    /// Returns the end of the pause after a refusal.
    ///
    /// * `started`: start of the attempt. One that began before the last pause ended proves no new refusal.
    /// * `after`: delay that the provider asks for.
    /// * `fraction`: position in the range of the jitter, `0.0..=1.0`, which is a quarter of the pause.
    pub fn refused(
        &mut self,
        started: Instant,
        after: Option<Duration>,
        fraction: f64,
        now: Instant,
    ) -> Instant {
        let is_new = self.until.is_none_or(|until| started >= until);
        if is_new {
            self.in_a_row += 1;
        }
        let pause = match after {
            Some(delay) => delay.min(DELAY_MAX),
            None if !is_new => return self.until.unwrap_or(now),
            None => PAUSE_FIRST.saturating_mul(1 << (self.in_a_row - 1).min(16)).min(PAUSE_LONGEST),
        };
        let until = now + pause.mul_f64(1.0 + fraction.clamp(0.0, 1.0) / 4.0);
        self.until = self.until.max(Some(until));
        until
    }

    /// Begins anew with short pauses, because an attempt that began after the last pause was answered.
    pub fn answered(&mut self, started: Instant) {
        if self.until.is_none_or(|until| started >= until) {
            self.in_a_row = 0;
        }
    }

    /// Keeps a pause for the other executors, unless it is short or ends before one that they are not told yet.
    pub fn tell(&mut self, until: Instant, reason: &str, now: Instant) {
        let is_later = self.untold.as_ref().is_none_or(|untold| untold.until < until);
        if until >= now + TOLD_FROM && is_later {
            self.untold = Some(Refusal { until, reason: reason.to_owned() });
        }
    }

    pub fn take(&mut self) -> Option<Refusal> {
        self.untold.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_grow_while_every_pause_is_followed_by_a_refusal() {
        let (mut cooling, mut now) = (Cooling::default(), Instant::now());
        for want in [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000] {
            let until = cooling.refused(now, None, 0.0, now);
            assert_eq!(until - now, Duration::from_millis(want));
            // Others that were in flight are refused, too.
            assert_eq!(cooling.refused(now, None, 0.0, now), until);
            now = until;
        }
        cooling.answered(now);
        assert_eq!(cooling.refused(now, None, 1.0, now) - now, Duration::from_micros(312_500));
    }

    #[test]
    fn a_stated_delay_counts_even_if_it_comes_late() {
        let (mut cooling, now) = (Cooling::default(), Instant::now());
        cooling.refused(now, None, 0.0, now);
        assert_eq!(cooling.refused(now, Some(secs(5)), 0.0, now) - now, secs(5));
        assert_eq!(cooling.refused(now, Some(secs(86_400)), 0.0, now) - now, DELAY_MAX);
    }

    #[test]
    fn others_are_told_once_of_the_longest_pause() {
        let (mut cooling, now) = (Cooling::default(), Instant::now());
        cooling.tell(now + secs(5), "slow down", now);
        cooling.tell(now + secs(2), "shorter", now);

        assert_eq!(cooling.take(), Some(Refusal { until: now + secs(5), reason: "slow down".into() }));
        assert_eq!(cooling.take(), None);
        cooling.tell(now + Duration::from_millis(200), "short", now);
        assert_eq!(cooling.take(), None);
    }
}
