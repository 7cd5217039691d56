use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use runmill_quota::Gate;

/// What bounds the jobs that this executor holds of one lane: those that call, and those whose log waits for the
/// broker's confirm.
#[derive(Debug)]
pub struct Slots {
    /// Of the calls. Shared with the model client, which takes the permits.
    pub gate: Arc<Gate>,
    unconfirmed: AtomicU32,
    /// The most that were unconfirmed since [`Slots::prefetch`] last looked.
    peak: AtomicU32,
}

/// More unconfirmed logs than this hold up the intake: then the broker is slow, and more would only wait there.
const UNCONFIRMED_MAX: u32 = 1_000;

impl Slots {
    pub fn new(concurrency: u32) -> Self {
        Self {
            gate: Arc::new(Gate::new(concurrency)),
            unconfirmed: AtomicU32::new(0),
            peak: AtomicU32::new(0),
        }
    }

    /// A job has its answer and needs no permit any more, until the guard is dropped.
    pub fn unconfirmed(&self) -> Unconfirmed<'_> {
        let now = self.unconfirmed.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Unconfirmed(self)
    }

    /// How many unacked jobs to hold: what may call now, a little more, so that a slot that frees itself need not wait for
    /// the broker, and what only waits for its confirm. More would keep jobs from other executors.
    ///
    /// `last` is what this said before: a little less than that is not worth a change.
    pub fn prefetch(&self, last: u16) -> u16 {
        let waiting = self.peak.swap(self.unconfirmed.load(Ordering::Relaxed), Ordering::Relaxed);
        let calls = self.gate.limit();
        let least = calls.saturating_add((calls / 4).clamp(1, 4));
        let wanted = if calls == 0 { 0 } else { least.saturating_add(waiting.min(UNCONFIRMED_MAX)) };
        let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
        let near =
            wanted <= last && wanted >= last / 2 && u32::from(last) <= least.saturating_add(UNCONFIRMED_MAX);
        if near && waiting > 0 { last } else { wanted }
    }
}

pub struct Unconfirmed<'a>(&'a Slots);

impl Drop for Unconfirmed<'_> {
    fn drop(&mut self) {
        self.0.unconfirmed.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefetch_is_what_may_start_and_a_little_more() {
        for (concurrency, want) in [(0, 0), (1, 2), (8, 10), (20, 24), (1_000, 1_004), (70_000, u16::MAX)] {
            assert_eq!(Slots::new(concurrency).prefetch(0), want, "{concurrency}");
        }
    }

    #[test]
    fn what_waits_for_its_confirm_is_held_on_top_and_no_longer_than_that() {
        let slots = Slots::new(20);
        let waiting: Vec<_> = (0..30).map(|_| slots.unconfirmed()).collect();
        assert_eq!(slots.prefetch(24), 54);
        assert_eq!(slots.prefetch(54), 54);

        drop(waiting);

        // Once for the peak since the last look.
        assert_eq!(slots.prefetch(54), 54);
        assert_eq!(slots.prefetch(54), 24);
    }

    #[test]
    fn a_slow_broker_gets_no_more_than_so_many() {
        let slots = Slots::new(20);
        let _waiting: Vec<_> = (0..5_000).map(|_| slots.unconfirmed()).collect();
        assert_eq!(slots.prefetch(24), 1_024);
    }
}
