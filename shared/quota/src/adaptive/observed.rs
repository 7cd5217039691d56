use std::time::Duration;

use runmill_proto::lease::{Resource, Share, Signals};

/// The fleet's calls in one lane, as an executor sees them: its own now, and the others' at their last heartbeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Sums of the counts of all executors whose leases have not ended.
    pub sums: Signals,
    /// Number of these executors.
    pub executors: u32,
    /// Hash of their names.
    pub fleet: u64,
    /// Calls in flight.
    pub in_flight: u32,
    /// Calls that wait to be admitted.
    pub waiting: u32,
    /// Time after which the provider said that calls may go on, if it refused a call since the last step.
    pub retry_after: Option<Duration>,
}

impl Observed {
    /// Adds the share of one executor. Each executor must be added once, in any order.
    pub fn add(&mut self, executor: &str, share: &Share) {
        let Signals { started, answered, refused, failed, late, saturated } = share.signals;
        self.sums.started += started;
        self.sums.answered += answered;
        self.sums.refused += refused;
        self.sums.failed += failed;
        self.sums.late += late;
        self.sums.saturated += saturated;
        self.executors += 1;
        self.fleet ^= hash(executor);
        let used = share.resources.get(&Resource::Concurrency).map_or(0, |holding| holding.used);
        self.in_flight = self.in_flight.saturating_add(used);
        self.waiting = self.waiting.saturating_add(share.waiting);
    }
}

/// Returns the counts since `before`, or `None` if some of them fell, as when an executor restarts.
pub(super) fn since(before: &Signals, now: &Signals) -> Option<Signals> {
    Some(Signals {
        started: now.started.checked_sub(before.started)?,
        answered: now.answered.checked_sub(before.answered)?,
        refused: now.refused.checked_sub(before.refused)?,
        failed: now.failed.checked_sub(before.failed)?,
        late: now.late.checked_sub(before.late)?,
        saturated: now.saturated.checked_sub(before.saturated)?,
    })
}

/// Returns the FNV-1a hash, which is the same in all releases, unlike that of the standard library.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use runmill_proto::lease::Holding;

    use super::*;

    #[test]
    fn the_order_of_executors_does_not_matter_but_their_names_do() {
        let share = |started| Share {
            resources: [(Resource::Concurrency, Holding { used: 3, ..Holding::default() })].into(),
            waiting: 2,
            signals: Signals { started, ..Signals::default() },
            ..Share::default()
        };
        let observed = |executors: [(&str, u64); 2]| {
            let mut observed = Observed::default();
            for (name, started) in executors {
                observed.add(name, &share(started));
            }
            observed
        };

        let one = observed([("a", 1), ("b", 4)]);

        assert_eq!((one.sums.started, one.in_flight, one.waiting), (5, 6, 4));
        assert_eq!(one, observed([("b", 4), ("a", 1)]));
        assert_ne!(one.fleet, observed([("a", 1), ("c", 4)]).fleet);
    }

    #[test]
    fn counts_that_fall_cannot_be_compared() {
        let (few, many) =
            (Signals { started: 1, ..Signals::default() }, Signals { started: 3, ..Signals::default() });

        assert_eq!(since(&few, &many).map(|counts| counts.started), Some(2));
        assert_eq!(since(&many, &few), None);
    }
}
