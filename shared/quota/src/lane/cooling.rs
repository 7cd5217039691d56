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
    /// Refusals beyond the tolerated share of the attempts, `0.0..=SURPLUS_MAX`.
    surplus: f64,
    /// Number of pauses in a row after which the provider still refused.
    in_a_row: u32,
    /// End of the last pause.
    until: Option<Instant>,
    untold: Option<Refusal>,
}

/// Refusals for each answer that pause nobody: some servers refuse single calls at random, whatever the load.
const TOLERATED: f64 = 0.1;
/// Refusals beyond the tolerated ones from which the lane pauses.
const SURPLUS_MAX: f64 = 4.0;

/// First pause after refusals without a stated delay. It doubles up to the longest while the provider refuses.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_LONGEST: Duration = Duration::from_secs(8);

/// Longest stated delay that is kept. After it, an attempt asks the provider again. Jobs wait unacked meanwhile, for
/// which a broker allows half an hour.
pub(super) const DELAY_MAX: Duration = Duration::from_mins(10);

/// Shortest pause that other executors are told. A shorter one is over before they know.
const TOLD_FROM: Duration = Duration::from_secs(1);

impl Cooling {
    /// Returns the end of the pause after a refusal, or `None` if it is an accident, after which only this attempt waits.
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
    ) -> Option<Instant> {
        self.surplus = (self.surplus + 1.0).min(SURPLUS_MAX);
        let pause = match after {
            Some(delay) => delay.min(DELAY_MAX),
            None if self.surplus < SURPLUS_MAX => return None,
            None if self.until.is_some_and(|until| started < until) => return self.until,
            None => {
                self.in_a_row += 1;
                PAUSE_FIRST.saturating_mul(1 << (self.in_a_row - 1).min(16)).min(PAUSE_LONGEST)
            }
        };
        let until = now + pause.mul_f64(1.0 + fraction.clamp(0.0, 1.0) / 4.0);
        self.until = self.until.max(Some(until));
        Some(until)
    }

    /// Tolerates more refusals. Begins anew with short pauses if the attempt began after the last one.
    pub fn answered(&mut self, started: Instant) {
        self.surplus = (self.surplus - TOLERATED).max(0.0);
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

    /// Returns the pauses in milliseconds after each of these outcomes, of attempts that begin when the last pause ends.
    fn pauses(cooling: &mut Cooling, now: &mut Instant, refused: &[bool]) -> Vec<Option<u128>> {
        let mut pause = |refused: &bool| {
            if !refused {
                cooling.answered(*now);
                return None;
            }
            let until = cooling.refused(*now, None, 0.0, *now)?;
            let pause = until - *now;
            *now = until;
            Some(pause.as_millis())
        };
        refused.iter().map(&mut pause).collect()
    }

    #[test]
    fn pauses_grow_while_every_pause_is_followed_by_a_refusal() {
        let (mut cooling, mut now) = (Cooling::default(), Instant::now());
        let growing = [None, None, None, Some(250), Some(500), Some(1_000), Some(2_000), Some(4_000)];
        assert_eq!(pauses(&mut cooling, &mut now, &[true; 8]), growing);
        assert_eq!(pauses(&mut cooling, &mut now, &[true; 2]), [Some(8_000); 2], "the longest");

        let before = now;
        now += secs(1);
        let until = cooling.refused(now, None, 1.0, now);
        assert_eq!(until, Some(now + secs(10)), "with jitter");
        assert_eq!(
            cooling.refused(before, None, 0.0, now),
            until,
            "others that were in flight are refused, too"
        );

        now = until.unwrap();
        assert_eq!(pauses(&mut cooling, &mut now, &[false, true, true])[1..], [Some(250), Some(500)]);
    }

    #[test]
    fn single_refusals_among_answers_pause_nobody() {
        let (mut cooling, mut now) = (Cooling::default(), Instant::now());
        let one_in_eleven: Vec<_> = (0..1_100).map(|n| n % 11 == 0).collect();
        assert!(pauses(&mut cooling, &mut now, &one_in_eleven).iter().all(Option::is_none));
        let one_in_five: Vec<_> = (0..50).map(|n| n % 5 == 0).collect();
        assert!(pauses(&mut cooling, &mut now, &one_in_five).iter().any(Option::is_some));
    }

    #[test]
    fn a_stated_delay_counts_at_once_and_even_if_it_comes_late() {
        let (mut cooling, now) = (Cooling::default(), Instant::now());
        assert_eq!(cooling.refused(now, Some(secs(5)), 0.0, now), Some(now + secs(5)));
        assert_eq!(cooling.refused(now, Some(secs(86_400)), 0.0, now), Some(now + DELAY_MAX));
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
